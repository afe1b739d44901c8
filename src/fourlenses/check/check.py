"""The check of a dataset: look at its images, count, compare, judge, and write it down."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fourlenses.check.counts import count_labels
from fourlenses.check.duplicates import KINDS, Duplicates, find_duplicates
from fourlenses.check.problems import LONG, find_problems, verdict
from fourlenses.check.report import write_duplicates, write_markdown, write_undecodable
from fourlenses.check.sheet_contents import choose_examples, draw_contact_sheet, draw_duplicates
from fourlenses.check.survey import Survey, survey
from fourlenses.core.errors import UserError
from fourlenses.core.files import write_json
from fourlenses.core.randomness import mix, named_seed, string_ids
from fourlenses.data.manifest.manifest import Manifest, labels_of, rows_of
from fourlenses.data.sources import source_of

FILES = (
    "report.md",
    "report.json",
    "contact_sheet.png",
    "duplicates.png",
    "duplicates.csv",
    "undecodable.csv",
)


@dataclass(frozen=True)
class Settings:
    """image_size, stored_size: px, of the study. asked: the most training images that the study asks of the dataset; 0 for none in
    particular. few_images: see `count_labels`. sample: images whose pixels are looked at; 0 for all. seed: of that choice and
    of the examples."""

    image_size: int
    stored_size: int
    max_undecodable: float = 0.01
    asked: int = 0
    few_images: int = 10
    sample: int = 0
    seed: int = 0


def check_dataset(
    name: str,
    definition: dict,
    raw_data: Path,
    manifest: Manifest,
    settings: Settings,
    folder: Path,
    workers: int,
) -> dict:
    """Write `FILES` into ``folder`` and return what report.json says. The files do not depend on ``workers``."""
    count = len(manifest["id"])
    wanted = _sample(manifest, count, settings)
    labels, train = labels_of(manifest), np.zeros(count, bool)
    train[rows_of(manifest, "train")] = True
    examples = choose_examples(manifest, wanted, settings.seed)

    def images():
        return source_of(definition).images(
            name, definition, raw_data, manifest, settings.stored_size
        )

    seen = survey(images(), wanted, examples.rows, name, workers)
    if seen.seen < wanted.sum():
        raise UserError(
            f"dataset '{name}': {seen.seen} of {int(wanted.sum())} images came; index it again"
        )
    found = find_duplicates(seen, train, labels)
    report = _report(name, manifest, seen, found, int(wanted.sum()), settings)
    folder.mkdir(parents=True, exist_ok=True)
    _draw(name, report, manifest, images, seen, found, examples, folder)
    write_duplicates(folder / "duplicates.csv", manifest, labels, train, found)
    write_undecodable(folder / "undecodable.csv", manifest, seen.reasons)
    write_markdown(folder / "report.md", report)
    write_json(folder / "report.json", report)
    return report


def _sample(manifest: Manifest, count: int, settings: Settings) -> np.ndarray:
    """bool (count,): which images to look at. Drawn by id: the order of the rows has no say."""
    if not settings.sample or settings.sample >= count:
        return np.ones(count, bool)
    order = np.argsort(
        mix(named_seed(settings.seed, "check", "sample"), string_ids(list(manifest["id"]))),
        kind="stable",
    )
    wanted = np.zeros(count, bool)
    wanted[order[: settings.sample]] = True
    return wanted


def _report(
    name: str,
    manifest: Manifest,
    seen: Survey,
    found: Duplicates,
    looked_at: int,
    settings: Settings,
) -> dict:
    usable = np.ones(seen.rows, bool)
    usable[list(seen.reasons)] = False
    report = {
        "dataset": name,
        "images": seen.rows,
        "looked_at": looked_at,
        "settings": asdict(settings),
        "levels": count_labels(manifest, usable, settings.few_images),
        "undecodable": {"images": len(seen.reasons)},
        "sizes": _sizes(seen, settings.image_size),
        "kinds": {
            kind: int(np.count_nonzero(seen.decoded & (seen.kind == place)))
            for place, kind in enumerate(seen.kinds)
        },
        "duplicates": {
            "groups": len(found.groups),
            "copies": {kind: found.copies(kind) for kind in KINDS},
            "leaked": {kind: len(found.leaked[kind]) for kind in KINDS},
            "two_labels": len(found.relabelled),
            "too_flat": found.flat,
        },
    }
    findings = find_problems(report)
    return {
        **report,
        "verdict": verdict(findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _sizes(seen: Survey, image_size: int) -> dict | None:
    """Of the decoded images; None when there is none."""
    width, height = seen.width[seen.decoded], seen.height[seen.decoded]
    if not len(width):
        return None
    shortest, aspect = (
        np.minimum(width, height),
        np.maximum(width, height) / np.minimum(width, height),
    )
    return {
        "shortest_side": {
            name: float(value)
            for name, value in zip(("min", "median", "max"), _three(shortest), strict=True)
        },
        "aspect_ratio": {
            name: round(float(value), 3)
            for name, value in zip(("min", "median", "max"), _three(aspect), strict=True)
        },
        "below_image_size": round(float(np.mean(shortest < image_size)), 6),
        "long": round(float(np.mean(aspect > LONG)), 6),
    }


def _three(values: np.ndarray) -> tuple:
    return values.min(), np.median(values), values.max()


def _draw(
    name: str,
    report: dict,
    manifest: Manifest,
    images: Callable,
    seen: Survey,
    found: Duplicates,
    examples,
    folder: Path,
) -> None:
    draw_contact_sheet(folder / "contact_sheet.png", name, report, examples, seen)
    draw_duplicates(folder / "duplicates.png", name, manifest, images, found)

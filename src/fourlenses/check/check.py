"""The check of a dataset: inspect its images, count, compare, judge, and write it down."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fourlenses.check.counts import count_labels
from fourlenses.check.duplicates import KINDS, Duplicates, find_duplicates
from fourlenses.check.overlaps import Overlap, Target, find_overlaps, write_overlaps
from fourlenses.check.problems import LONG, find_problems, verdict
from fourlenses.check.report import write_duplicates, write_markdown, write_undecodable
from fourlenses.check.sheet_contents import choose_examples, draw_contact_sheet, draw_duplicates
from fourlenses.check.survey import Survey, survey
from fourlenses.core.errors import UserError
from fourlenses.core.files import write_json
from fourlenses.core.randomness import mix, named_seed, string_ids
from fourlenses.data.dataset import images_of_dataset
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import Manifest, labels_of, rows_of
from fourlenses.data.manifest.skipped import skipped_of

FILES = (
    "report.md",
    "report.json",
    "contact_sheet.png",
    "duplicates.png",
    "duplicates.csv",
    "overlaps.csv",
    "undecodable.csv",
)


# Of 255: an image whose parts differ by less is nearly flat; one without a brighter part is nearly
# black, one without a darker part nearly white.
FLAT, DARK, SATURATED = 6, 32, 240


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """Settings of a check.

    Attributes:
        image_size: Of the study, px.
        stored_size: Of the study, px.
        max_undecodable: Share of the images that may be undecodable.
        asked: The most training images that the study asks for; 0 for none in particular.
        few_images: See `count_labels`.
        sample: Images whose pixels are inspected; 0 for all.
        seed: Of that choice and of the examples.
    """

    image_size: int
    stored_size: int
    max_undecodable: float = 0.01
    asked: int = 0
    few_images: int = 10
    sample: int = 0
    seed: int = 0


@dataclass(frozen=True)
class _Copies:
    """Copies within the dataset, and of other datasets' test images."""

    duplicates: Duplicates
    overlaps: list[Overlap]


def check_dataset(
    name: str,
    definition: dict,
    raw_data: Path,
    *,
    manifest: Manifest,
    settings: CheckSettings,
    folder: Path,
    workers: int,
    targets: Sequence[Target] = (),
) -> dict:
    """Check a dataset and write `FILES`.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.
        manifest: Of the dataset.
        settings: Of the check.
        folder: For the files.
        workers: Processes; the files do not depend on it.
        targets: Whose test images may not be among its training images.

    Returns:
        The content of report.json.

    Raises:
        UserError: The source gives fewer images than the manifest has.
    """
    count = len(manifest["id"])
    wanted = _sample(manifest, count, settings)
    labels, train = labels_of(manifest), np.zeros(count, bool)
    train[rows_of(manifest, "train")] = True
    examples = choose_examples(manifest, wanted, settings.seed)

    def images() -> Iterator[LazyImage]:
        return images_of_dataset(
            name, definition, raw_data, manifest=manifest, size=settings.stored_size
        )

    surveyed = survey(images(), wanted, pictured=examples.rows, name=name, workers=workers)
    _check_all_came(name, surveyed, asked := int(wanted.sum()))
    duplicates = find_duplicates(surveyed, train, labels)
    size = settings.stored_size
    overlaps = find_overlaps(
        surveyed, train, targets, raw_data=raw_data, size=size, workers=workers
    )
    copies = _Copies(duplicates, overlaps)
    report = _report(name, manifest, surveyed, copies=copies, inspected=asked, settings=settings)
    folder.mkdir(parents=True, exist_ok=True)
    draw_contact_sheet(
        folder / "contact_sheet.png", name, report, examples=examples, pictures=surveyed.pictures
    )
    draw_duplicates(folder / "duplicates.png", name, manifest, images=images, duplicates=duplicates)
    write_duplicates(folder / "duplicates.csv", manifest, train=train, duplicates=duplicates)
    write_overlaps(folder / "overlaps.csv", manifest, overlaps)
    write_undecodable(folder / "undecodable.csv", manifest, surveyed.reasons)
    write_markdown(folder / "report.md", report)
    write_json(folder / "report.json", report)
    return report


def _check_all_came(name: str, surveyed: Survey, asked: int) -> None:
    if surveyed.inspected < asked:
        raise UserError(
            f"dataset '{name}': {surveyed.inspected} of {asked} images came; index it again"
        )


def _sample(manifest: Manifest, count: int, settings: CheckSettings) -> np.ndarray:
    """Return bool (count,): which images to inspect. Drawn by id, whatever the order of rows."""
    if not settings.sample or settings.sample >= count:
        return np.ones(count, bool)
    seed = named_seed(settings.seed, "check", "sample")
    order = np.argsort(mix(seed, string_ids(list(manifest["id"]))), kind="stable")
    wanted = np.zeros(count, bool)
    wanted[order[: settings.sample]] = True
    return wanted


def _report(
    name: str,
    manifest: Manifest,
    surveyed: Survey,
    *,
    copies: _Copies,
    inspected: int,
    settings: CheckSettings,
) -> dict:
    """Return the content of report.json."""
    duplicates = copies.duplicates
    usable = np.ones(surveyed.rows, bool)
    usable[list(surveyed.reasons)] = False
    report = {
        "dataset": name,
        "images": surveyed.rows,
        "looked_at": inspected,
        "settings": asdict(settings),
        "levels": count_labels(manifest, usable, settings.few_images),
        "undecodable": {"images": len(surveyed.reasons)},
        "skipped": skipped_of(manifest),
        "contrast": _contrast(surveyed),
        "sizes": _sizes(surveyed, settings.image_size),
        "kinds": {
            kind: int(np.count_nonzero(surveyed.decoded & (surveyed.kind == index)))
            for index, kind in enumerate(surveyed.kinds)
        },
        "duplicates": {
            "groups": len(duplicates.groups),
            "copies": {kind: duplicates.copies(kind) for kind in KINDS},
            "leaked": {kind: len(duplicates.leaked[kind]) for kind in KINDS},
            "two_labels": len(duplicates.relabelled),
            "too_flat": duplicates.flat,
        },
        "overlaps": {overlap.target.name: overlap.as_json() for overlap in copies.overlaps},
    }
    problems = find_problems(report)
    return {
        **report,
        "verdict": verdict(problems),
        "findings": [asdict(problem) for problem in problems],
    }


def _contrast(surveyed: Survey) -> dict[str, int]:
    """Return how many of the decoded images are nearly flat, dark or saturated.

    By the small grey picture of each, 9x9: a box of it is a mean over a part of the image.
    """
    grey = surveyed.grey[surveyed.decoded].astype(int)
    low, high = grey.min(1, initial=255), grey.max(1, initial=0)
    return {
        "flat": int(np.sum(high - low < FLAT)),
        "dark": int(np.sum(high < DARK)),
        "saturated": int(np.sum(low > SATURATED)),
    }


def _sizes(surveyed: Survey, image_size: int) -> dict | None:
    """Return statistics of the decoded images' sizes; None when there are none."""
    width, height = surveyed.width[surveyed.decoded], surveyed.height[surveyed.decoded]
    if not len(width):
        return None
    shortest = np.minimum(width, height)
    aspect = np.maximum(width, height) / shortest
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

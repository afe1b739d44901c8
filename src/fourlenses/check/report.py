"""The words of a check: report.md, the tables beside it, and the summary on the terminal."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fourlenses.check.duplicates import KINDS, Duplicates
from fourlenses.check.problems import NOT_USABLE
from fourlenses.core.errors import printable
from fourlenses.core.files import atomic, write_csv
from fourlenses.data.manifest.manifest import Manifest, hierarchy_of

EXTREMES = 5  # largest and smallest classes named


def summary(report: dict) -> str:
    """A screenful: the counts, what was found with what to do, the verdict last."""
    finest = report["levels"][-1]
    labels = ", ".join(
        f"{level['classes']:,} {printable(level['level'])}" for level in report["levels"]
    )
    lines = [
        f"{report['dataset']}: {finest['train']['images']:,} training and {finest['test']['images']:,} test images{_looked(report)}",
        f"  labels      {labels}",
        f"  per class   train {_spread(finest['train'])}; test {_spread(finest['test'])}; evenness {finest['evenness']:.2f}",
    ]
    if report["sizes"]:
        lines.append(f"  images      {_sizes(report)}; {_kinds(report)}")
    duplicates = report["duplicates"]
    lines.append(
        f"  copies      {_copies(duplicates)}; in both splits: {sum(duplicates['leaked'].values())} test images"
    )
    lines.append(f"  undecodable {report['undecodable']['images']:,}")
    for finding in report["findings"]:
        lines.append(
            f"  {'ERROR' if finding['error'] else 'look'}: {finding['what']}.\n        {finding['remedy']}."
        )
    return "\n".join([*lines, f"verdict: {report['verdict']}"])


def failure(report: dict, folder: Path) -> str:
    """The sentence of a dataset that is not usable."""
    errors = [finding for finding in report["findings"] if finding["error"]]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"dataset '{report['dataset']}' is not usable: {errors[0]['what']}{more}; {errors[0]['remedy']}; report: {folder / 'report.md'}"


def is_usable(report: dict) -> bool:
    return report["verdict"] != NOT_USABLE


def write_markdown(path: Path, report: dict) -> None:
    text = "\n".join(_markdown(report)) + "\n"
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_undecodable(path: Path, manifest: Manifest, reasons: dict[int, str]) -> None:
    rows = (
        (
            manifest["id"][row],
            manifest["path"][row],
            manifest["split"][row],
            printable(reasons[row]),
        )
        for row in sorted(reasons)
    )
    write_csv(path, ("id", "path", "split", "reason"), rows)


def write_duplicates(
    path: Path, manifest: Manifest, labels: np.ndarray, train: np.ndarray, found: Duplicates
) -> None:
    """A row per image that has a copy; ``likeness`` and ``bits`` (of 128 that differ) are to the first of its group."""
    classes = hierarchy_of(manifest).classes[-1]
    leaking = {row for rows in found.leaked.values() for row in rows}

    def rows() -> Iterable[tuple]:
        for number, group in enumerate(found.groups):
            leak = "no" if leaking.isdisjoint(group.rows) else "yes"
            two = "yes" if number in relabelled else "no"
            for row, likeness, bits in zip(
                group.rows, ["first", *group.likeness[1:]], group.bits, strict=True
            ):
                yield (
                    number,
                    likeness,
                    bits,
                    leak,
                    two,
                    "train" if train[row] else "test",
                    classes[labels[row]],
                    manifest["id"][row],
                )

    relabelled = set(found.relabelled)
    write_csv(
        path, ("group", "likeness", "bits", "leak", "two_labels", "split", "class", "id"), rows()
    )


def _markdown(report: dict) -> Iterable[str]:
    yield f"# {report['dataset']}: {report['verdict']}\n"
    if report["looked_at"] < report["images"]:
        yield (
            f"Only a sample was looked at: {report['looked_at']:,} of {report['images']:,} images, drawn by the seed "
            f"({report['settings']['seed']}). Counts of classes are of all; sizes, undecodable images and copies are of the sample, and "
            "copies of which one lies outside it were not found.\n"
        )
    for finding in report["findings"]:
        yield f"- **{'error' if finding['error'] else 'look'}**: {finding['what']}. {finding['remedy'].capitalize()}."
    if not report["findings"]:
        yield "Nothing stands out."
    yield "\n## Images per level\n"
    yield "| level | labels | train | per label: min, median, max | test | min, median, max | largest / smallest | effective | evenness |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for level in report["levels"]:
        cells = [_cell(level["level"]), f"{level['classes']:,}"]
        for split in ("train", "test"):
            cells += [
                f"{level[split]['images']:,}",
                f"{level[split]['min']:,}, {level[split]['median']:g}, {level[split]['max']:,}",
            ]
        cells += [
            f"{level['imbalance']:g}" if level["imbalance"] else "",
            f"{level['effective_classes']:g}",
            f"{level['evenness']:g}",
        ]
        yield f"| {' | '.join(cells)} |"
    yield "\n`effective` is exp(entropy) of the training images' shares, `evenness` the entropy over its maximum.\n"
    yield from _extremes(report["levels"][-1])
    yield from _pixels(report)
    yield from _duplicates(report)
    yield "\n![Examples of the classes](contact_sheet.png)"


def _extremes(finest: dict) -> Iterable[str]:
    by_size = sorted(finest["images"].items(), key=lambda item: (-item[1]["train"], item[0]))
    shown = (
        by_size
        if len(by_size) <= 2 * EXTREMES
        else [*by_size[:EXTREMES], None, *by_size[-EXTREMES:]]
    )
    yield "| class | train | test |\n|---|---|---|"
    for item in shown:
        yield (
            f"| {_cell(item[0])} | {item[1]['train']:,} | {item[1]['test']:,} |"
            if item
            else "| … | | |"
        )
    for key, words in (
        ("few", "few training images"),
        ("train_only", "no test images"),
        ("test_only", "no training images"),
    ):
        if finest[key]:
            names = ", ".join(f"`{printable(name)}`" for name in finest[key][:20])
            yield f"\nClasses with {words} ({len(finest[key])}): {names}{', … (all in report.json)' if len(finest[key]) > 20 else ''}"


def _pixels(report: dict) -> Iterable[str]:
    yield "\n## Pixels\n"
    sizes = report["sizes"]
    if sizes:
        yield f"- {_sizes(report)}"
        yield f"- {100 * sizes['below_image_size']:.3g} % have a side below image_size ({report['settings']['image_size']} px)"
        yield f"- format and mode: {_kinds(report)}"
    yield f"- undecodable: {report['undecodable']['images']:,} (undecodable.csv has each with its reason)"


def _duplicates(report: dict) -> Iterable[str]:
    duplicates = report["duplicates"]
    yield "\n## Copies\n"
    yield "| | images that are copies of another | test images with a copy in train |\n|---|---|---|"
    for kind in KINDS:
        yield f"| {kind} | {duplicates['copies'][kind]:,} | {duplicates['leaked'][kind]:,} |"
    yield (
        "\n`same pixels`: other bytes, the same picture. `near`: resized, recompressed, slightly cropped, turned grey. "
        f"{duplicates['too_flat']:,} images have too little contrast to be compared: of those, only exact copies are found. "
        f"Groups with two labels: {duplicates['two_labels']:,}."
    )
    if duplicates["groups"]:
        yield "\n![Copies](duplicates.png)"


def _sizes(report: dict) -> str:
    side, aspect = report["sizes"]["shortest_side"], report["sizes"]["aspect_ratio"]
    shortest = f"shortest side {side['min']:g} to {side['max']:g} px (median {side['median']:g})"
    return f"{shortest}, long to short side {aspect['min']:g} to {aspect['max']:g} (median {aspect['median']:g})"


def _kinds(report: dict) -> str:
    return ", ".join(
        f"{count:,} {kind}"
        for kind, count in sorted(report["kinds"].items(), key=lambda item: (-item[1], item[0]))
    )


def _copies(duplicates: dict) -> str:
    return ", ".join(f"{duplicates['copies'][kind]:,} {kind}" for kind in KINDS)


def _spread(counts: dict) -> str:
    return f"{counts['min']:,} to {counts['max']:,} (median {counts['median']:g})"


def _looked(report: dict) -> str:
    return (
        f" (a sample of {report['looked_at']:,} was looked at)"
        if report["looked_at"] < report["images"]
        else ""
    )


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")

"""Reports of a check: report.md, the tables next to it, and the summary on the terminal."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fourlenses.check.duplicates import KINDS, Duplicates
from fourlenses.check.problems import NOT_USABLE
from fourlenses.core.errors import printable
from fourlenses.core.files import atomic, write_csv
from fourlenses.data.manifest.manifest import Manifest, hierarchy_of, labels_of

EXTREMES = 5  # largest and smallest classes named


def summary(report: dict) -> str:
    """Return a screenful: the counts, the problems with their remedies, and the verdict last."""
    finest = report["levels"][-1]
    labels = ", ".join(
        f"{level['classes']:,} {printable(level['level'])}" for level in report["levels"]
    )
    lines = [
        f"{report['dataset']}: {finest['train']['images']:,} training and "
        f"{finest['test']['images']:,} test images{_inspected(report)}",
        f"  labels      {labels}",
        f"  per class   train {_spread(finest['train'])}; test {_spread(finest['test'])}; "
        f"evenness {finest['evenness']:.2f}",
    ]
    if report["sizes"]:
        lines.append(f"  images      {_sizes(report)}; {_kinds(report)}")
    duplicates = report["duplicates"]
    leaked = sum(duplicates["leaked"].values())
    lines.append(f"  copies      {_copies(duplicates)}; in both splits: {leaked} test images")
    if report.get("overlaps"):  # a report of an earlier version has no such key
        lines.append(f"  overlaps    {_overlaps(report)}")
    lines.append(f"  undecodable {report['undecodable']['images']:,}")
    if report.get("skipped"):  # a report of an earlier version has no such key
        lines.append(f"  skipped     {_skipped(report)}")
    for problem in report["findings"]:
        kind = "ERROR" if problem["error"] else "look"
        lines.append(f"  {kind}: {problem['what']}.\n        {problem['remedy']}.")
    return "\n".join([*lines, f"verdict: {report['verdict']}"])


def failure(report: dict, folder: Path) -> str:
    """Return the sentence of a dataset that is not usable."""
    errors = [problem for problem in report["findings"] if problem["error"]]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return (
        f"dataset '{report['dataset']}' is not usable: {errors[0]['what']}{more}; "
        f"{errors[0]['remedy']}; report: {folder / 'report.md'}"
    )


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
    path: Path, manifest: Manifest, *, train: np.ndarray, duplicates: Duplicates
) -> None:
    """Write a row per image that has a copy.

    ``likeness`` and ``bits`` (of 128 that differ) are to the first of its group.

    Args:
        path: The CSV file.
        manifest: Of the dataset.
        train: bool (rows,), the training images.
        duplicates: Of the dataset.
    """
    classes, labels = hierarchy_of(manifest).classes[-1], labels_of(manifest)
    leaking = {row for rows in duplicates.leaked.values() for row in rows}

    def rows() -> Iterable[tuple]:
        for number, group in enumerate(duplicates.groups):
            leak = "no" if leaking.isdisjoint(group.rows) else "yes"
            two = "yes" if number in relabelled else "no"
            likenesses = ["first", *group.likeness[1:]]
            for row, likeness, bits in zip(group.rows, likenesses, group.bits, strict=True):
                split, label = "train" if train[row] else "test", classes[labels[row]]
                yield number, likeness, bits, leak, two, split, label, manifest["id"][row]

    relabelled = set(duplicates.relabelled)
    columns = ("group", "likeness", "bits", "leak", "two_labels", "split", "class", "id")
    write_csv(path, columns, rows())


def _markdown(report: dict) -> Iterable[str]:
    yield f"# {report['dataset']}: {report['verdict']}\n"
    if report["looked_at"] < report["images"]:
        yield (
            f"Only a sample was inspected: {report['looked_at']:,} of {report['images']:,} images, "
            f"drawn by the seed ({report['settings']['seed']}). Counts of classes are of all; "
            "sizes, undecodable images and copies are of the sample, and copies of which one lies "
            "outside it were not found.\n"
        )
    for problem in report["findings"]:
        kind = "error" if problem["error"] else "look"
        yield f"- **{kind}**: {problem['what']}. {problem['remedy'].capitalize()}."
    if not report["findings"]:
        yield "Nothing stands out."
    yield "\n## Images per level\n"
    yield (
        "| level | labels | train | per label: min, median, max | test | min, median, max | "
        "largest / smallest | effective | evenness |"
    )
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
    yield (
        "\n`effective` is exp(entropy) of the training images' shares, `evenness` the entropy over "
        "its maximum.\n"
    )
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
            more = ", … (all in report.json)" if len(finest[key]) > 20 else ""
            yield f"\nClasses with {words} ({len(finest[key])}): {names}{more}"


def _pixels(report: dict) -> Iterable[str]:
    yield "\n## Pixels\n"
    sizes = report["sizes"]
    if sizes:
        yield f"- {_sizes(report)}"
        image_size = report["settings"]["image_size"]
        below = 100 * sizes["below_image_size"]
        yield f"- {below:.3g} % have a side below image_size ({image_size} px)"
        yield f"- format and mode: {_kinds(report)}"
    undecodable = report["undecodable"]["images"]
    yield f"- undecodable: {undecodable:,} (undecodable.csv has each with its reason)"
    if report["skipped"]:
        yield "\n## Skipped files\n"
        yield "| reason | files | of them perhaps meant as images | the first |\n|---|---|---|---|"
        for reason, entry in report["skipped"].items():
            cells = (f"{entry['files']:,}", f"{entry['images']:,}", _cell(entry["example"]))
            yield f"| {_cell(reason)} | {' | '.join(cells)} |"


def _duplicates(report: dict) -> Iterable[str]:
    duplicates = report["duplicates"]
    yield "\n## Copies\n"
    yield "| | images that are copies of another | test images with a copy in train |"
    yield "|---|---|---|"
    for kind in KINDS:
        yield f"| {kind} | {duplicates['copies'][kind]:,} | {duplicates['leaked'][kind]:,} |"
    yield (
        "\n`same pixels`: other bytes, the same picture. `near`: resized, recompressed, slightly "
        f"cropped, turned grey. {duplicates['too_flat']:,} images have too little contrast to be "
        "compared: of those, only exact copies are found. Copies that were changed more are not "
        "found, so all numbers are lower bounds. Groups with two labels: "
        f"{duplicates['two_labels']:,}."
    )
    if duplicates["groups"]:
        yield "\n![Copies](duplicates.png)"
    if report["overlaps"]:
        yield "\nTraining images that are copies of a target's test images (overlaps.csv):\n"
        yield "| target | test images | of them with a copy | copies |\n|---|---|---|---|"
        for target, overlap in report["overlaps"].items():
            counts = (overlap["test_images"], overlap["copied"], overlap["images"])
            yield f"| {target} | {' | '.join(f'{count:,}' for count in counts)} |"


def _sizes(report: dict) -> str:
    side, aspect = report["sizes"]["shortest_side"], report["sizes"]["aspect_ratio"]
    shortest = f"shortest side {side['min']:g} to {side['max']:g} px (median {side['median']:g})"
    ratio = f"{aspect['min']:g} to {aspect['max']:g} (median {aspect['median']:g})"
    return f"{shortest}, long to short side {ratio}"


def _skipped(report: dict) -> str:
    return ", ".join(f"{entry['files']:,} {reason}" for reason, entry in report["skipped"].items())


def _kinds(report: dict) -> str:
    return ", ".join(
        f"{count:,} {kind}"
        for kind, count in sorted(report["kinds"].items(), key=lambda item: (-item[1], item[0]))
    )


def _copies(duplicates: dict) -> str:
    return ", ".join(f"{duplicates['copies'][kind]:,} {kind}" for kind in KINDS)


def _overlaps(report: dict) -> str:
    """Return how many training images are test images of which target."""
    return "copies of test images: " + ", ".join(
        f"{overlap['images']:,} of {target}" for target, overlap in report["overlaps"].items()
    )


def _spread(counts: dict) -> str:
    return f"{counts['min']:,} to {counts['max']:,} (median {counts['median']:g})"


def _inspected(report: dict) -> str:
    whole = report["looked_at"] >= report["images"]
    return "" if whole else f" (a sample of {report['looked_at']:,} was inspected)"


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")

"""The part of the report on single classes: how accurate each is, and which are confused."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fourlenses.report.charts.heat import heats
from fourlenses.report.charts.scale import Axis, axis_through
from fourlenses.report.gaps import Gap
from fourlenses.report.tables import Table
from fourlenses.study import methods, names
from fourlenses.study.layout import CLASSES, CONFUSION_MATRICES, CONFUSIONS
from fourlenses.study.vocabulary import FROM_SCRATCH, UNTRAINED

SIDE = 260  # of the drawing, in its units
START, END, TOP, BOTTOM = 30, 250, 22, 224  # of its axes
MOST_ROWS, MOST_DOTS = 60, 400
Rows = list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """Accuracy of each class under two encoders.

    Attributes:
        axes: percent, to the right and up.
        names: of the two.
        dots: x, y and words of each class.
        words: the whole, for who cannot see it.
    """

    axes: tuple[Axis, Axis]
    names: tuple[str, str]
    dots: list[tuple[float, float, str]]
    words: str


def read_classes(results: Path) -> dict:
    """Return a panel for each dataset, and what is not there.

    A panel compares the best pretraining without labels with the best of what uses labels alone.
    """
    of_classes = _by_target(results / CLASSES)
    of_pairs = _by_target(results / CONFUSIONS)
    of_levels = _by_target(results / CONFUSION_MATRICES)
    absent = Gap("Accuracy of each class and confused classes are not there", "snakemake classes")
    panels = [
        _panel(target, rows, pairs=of_pairs.get(target, []), levels=of_levels.get(target, []))
        for target, rows in of_classes.items()
    ]
    return {"panels": panels, "gaps": [] if panels else [absent]}


def _by_target(file: Path) -> dict[str, Rows]:
    by_target: dict[str, Rows] = defaultdict(list)
    if file.is_file():
        with open(file, newline="", encoding="utf-8", errors="replace") as opened:
            for row in csv.DictReader(opened):
                by_target[row["target"]].append(row)
    return by_target


def _panel(target: str, rows: Rows, *, pairs: Rows, levels: Rows) -> dict:
    by_encoder: dict[tuple[str, ...], Rows] = defaultdict(list)
    for row in rows:
        by_encoder[_key(row)].append(row)
    pretrained = _best(rows for key, rows in by_encoder.items() if _without_labels(key))
    with_labels = _best(rows for key, rows in by_encoder.items() if _labels_alone(key))
    compared = [found for found in (with_labels, pretrained) if found]
    main = compared[-1] if compared else next(iter(by_encoder.values()))
    confused = [row for row in pairs if _key(row) == _key(main[0])]
    return {
        "title": names.dataset(target),
        "labels": int(main[0]["labelled_images"]),
        "encoder": _name(main[0]),
        "scatter": _scatter(*compared) if len(compared) == 2 else None,
        "table": _table(compared or [main]),
        "hidden": max(0, len(main) - MOST_ROWS),
        "confused": _confused(confused),
        "heats": heats([row for row in levels if _key(row) == _key(main[0])], target),
    }


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return row["protocol"], row["method"], row["source"], row["corruption"]


def _without_labels(key: tuple[str, ...]) -> bool:
    protocol, method, _, _ = key
    return protocol not in FROM_SCRATCH and methods.known(method) and methods.is_contrastive(method)


def _labels_alone(key: tuple[str, ...]) -> bool:
    protocol, method, _, _ = key
    return protocol in FROM_SCRATCH or (
        methods.known(method) and not methods.is_contrastive(method) and method not in UNTRAINED
    )


def _best(candidates: Iterable[Rows]) -> Rows | None:
    return max(candidates, key=_accuracy, default=None)


def _accuracy(rows: Rows) -> float:
    tests = [int(row["n_test"]) for row in rows]
    right = [float(row["top1"]) * count for row, count in zip(rows, tests, strict=True)]
    return sum(right) / max(sum(tests), 1)


def _name(row: dict[str, str]) -> str:
    protocol = names.protocol(row["protocol"])
    if row["protocol"] in FROM_SCRATCH:
        return protocol
    return f"{methods.label(row['method'])} on {names.source(row['source'])}, {protocol}"


def _table(compared: list[Rows]) -> Table:
    """The hardest classes of the last encoder first."""
    others = [{row["class"]: row["top1"] for row in rows} for rows in compared[:-1]]
    hardest = sorted(compared[-1], key=lambda row: (float(row["top1"]), row["class"]))
    lines = []
    for row in hardest[:MOST_ROWS]:
        before = [of.get(row["class"], "") for of in others]
        gain = [f"{float(row['top1']) - float(value):+.1f}" if value else "" for value in before]
        shown = [f"{float(value):.1f}" if value else "" for value in (*before, row["top1"])]
        lines.append([row["class"], row["n_test"], *shown, *gain])
    heads = [f"{_name(rows[0])}, %" for rows in compared]
    return Table.of(["class", "test images", *heads, *(["points"] if others else [])], lines)


def _confused(rows: Rows) -> Table | None:
    lines = [
        [row["class"], row["taken_for"], f"{float(row['share']):.0f} %", row["n_test"]]
        for row in rows
    ]
    return Table.of(["class", "taken for", "share", "test images"], lines) if lines else None


def _scatter(across: Rows, up: Rows) -> Scatter | None:
    by_class = {row["class"]: float(row["top1"]) for row in across}
    both = [
        (row["class"], by_class[row["class"]], float(row["top1"]))
        for row in up
        if row["class"] in by_class
    ]
    if not both or len(both) > MOST_DOTS:
        return None
    x = axis_through([0, 100], START, END)
    y = axis_through([0, 100], BOTTOM, TOP)
    better = sum(one < two for _, one, two in both)
    labels = _name(across[0]), _name(up[0])
    return Scatter(
        axes=(x, y),
        names=labels,
        dots=[
            (x.at(one), y.at(two), f"{name}: {labels[0]} {one:.0f} %, {labels[1]} {two:.0f} %")
            for name, one, two in both
        ],
        words=f"{labels[1]} is more accurate than {labels[0]} on {better} of {len(both)} classes",
    )

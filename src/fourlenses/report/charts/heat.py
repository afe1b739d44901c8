"""A heat map of confusions: what the test images of each label are taken for, at one level."""

from collections.abc import Sequence
from dataclasses import dataclass

from fourlenses.report.charts.curves import shortened
from fourlenses.study import names

SIDE = 22  # of a cell, in the units of the drawing
LEFT, TOP, EDGE = 134, 112, 60  # room for the names of rows and columns, and to the right of them
MOST_CHARACTERS = 18  # of a name
NUMBERED = 12  # labels up to which each cell has its number
LEAST_SHARE = 1.0  # percent that is drawn
Rows = Sequence[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: its place, whether it is on the diagonal, its opacity, its number and words."""

    x: int
    y: int
    right: bool
    opacity: float
    number: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A heat map.

    Attributes:
        level: its name for people.
        title: dataset and level.
        width: of the drawing.
        height: of the drawing.
        labels: name and place along both axes.
        cells: those of at least `LEAST_SHARE`.
        words: the whole, for who cannot see it.
    """

    level: str
    title: str
    width: int
    height: int
    labels: list[tuple[str, int]]
    cells: list[Cell]
    words: str


def heats(rows: Rows, target: str) -> list[Heat]:
    """Return a map for each level, from coarse to fine.

    Args:
        rows: of confusion_matrices.csv, of one encoder on one target.
        target: the dataset.
    """
    levels = dict.fromkeys(row["level"] for row in rows)
    return [_heat([row for row in rows if row["level"] == level], target) for level in levels]


def _heat(rows: Rows, target: str) -> Heat:
    labels = sorted({row[side] for row in rows for side in ("class", "taken_for")})
    place = {label: index for index, label in enumerate(labels)}
    size = len(labels) * SIDE
    level = names.level(target, rows[0]["level"])
    title = f"Confusions on {names.dataset(target)} at the level {level}"
    return Heat(
        level=level,
        title=title,
        width=LEFT + size + EDGE,
        height=TOP + size,
        labels=[
            (shortened(label, MOST_CHARACTERS), place[label] * SIDE + SIDE // 2) for label in labels
        ],
        cells=[
            _cell(row, place, numbered=len(labels) <= NUMBERED)
            for row in rows
            if float(row["share"]) >= LEAST_SHARE
        ],
        words=f"{title}: {_in_words(rows)}",
    )


def _cell(row: dict[str, str], place: dict[str, int], *, numbered: bool) -> Cell:
    share, right = float(row["share"]), row["class"] == row["taken_for"]
    of = f"{share:.0f} % of {row['class']}"
    return Cell(
        x=LEFT + place[row["taken_for"]] * SIDE,
        y=TOP + place[row["class"]] * SIDE,
        right=right,
        opacity=round(0.08 + 0.62 * share / 100, 2),
        number=f"{share:.0f}" if numbered else "",
        words=f"{of} right" if right else f"{of} taken for {row['taken_for']}",
    )


def _in_words(rows: Rows) -> str:
    right = {row["class"]: float(row["share"]) for row in rows if row["class"] == row["taken_for"]}
    classes = {row["class"] for row in rows}
    mean = sum(right.values()) / len(classes)
    wrong = [row for row in rows if row["class"] != row["taken_for"]]
    wrong = sorted(wrong, key=lambda row: -float(row["share"]))[:3]
    most = "; ".join(f"{row['class']} for {row['taken_for']} {row['share']} %" for row in wrong)
    said = f"{mean:.0f} % right, as a mean over {len(classes)} labels."
    return f"{said} Most: {most}." if most else said

"""The bench's figures, in the style of the study's figures.

Ours over each peer, and next to it over parts of our own work, each with its spread; and how speed
and memory grow.
"""

from itertools import groupby
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from fourlenses.plotting import colours, footer, style
from fourlenses.study import names

OURS, MISSED, PLAIN = "#0B5E8A", "#B02A4C", "#5F6B76"
LOOKS = {  # each has another marker, for readers who do not see the colours
    "reached its bar": (OURS, "o"),
    "missed its bar": (MISSED, "X"),
    "no bar": (PLAIN, "s"),
}
# What a row compares with that is a part of our own work, or of Python's: no peer.
OWN = ("ours, constant", "ours, streaming", "step on", "views alone", "import torch", "Snakemake")
LINE = 0.135  # inches
ABOUT = "points: median of the rounds; lines: smallest to largest"


@style.context()
def ratios(rows: list[dict], source: str = "") -> Figure:
    """Return a figure of two parts, on an axis each: peers, and parts of our own work.

    A group is what was measured, a line what ours is compared with; right of 1 ours is faster or
    smaller. A bar to be reached is an upright dash.

    Args:
        rows: of the bench; those without a ratio are left out.
        source: where they are from, for the footer.
    """
    compared = [row for row in rows if row.get("ours_over_it")]
    parts = [[row for row in compared if _is_own(row) == own] for own in (False, True)]
    parts = [part for part in parts if part]
    heights = [LINE * (len(part) + len({row["what"] for row in part})) + 0.1 for part in parts]
    figure = style.new_figure(2, sum(heights) + 0.75 * len(parts) + 0.3)
    panels = figure.subplots(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, part in zip(panels, parts, strict=True):
        _lines(axes, part, logarithmic=not _is_own(part[0]))
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for label, (colour, marker) in LOOKS.items()
        if any(_verdict(row) == label for row in compared)
    ]
    if any(row.get("bar") for row in compared):
        handles += [Line2D([], [], color="black", marker="|", linestyle="", label="the bar")]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    footer.write(figure, footer.SEPARATOR.join(filter(None, (source, ABOUT))))
    return figure


def _is_own(row: dict) -> bool:
    return row["who"].startswith(OWN)


def _verdict(row: dict) -> str:
    if not row.get("bar"):
        return "no bar"
    return "reached its bar" if row["ours_over_it"] >= row["bar"] else "missed its bar"


def _lines(axes: Axes, rows: list[dict], *, logarithmic: bool) -> None:
    """A line for each row, below the name of what was measured."""
    place, places, labels, heads = 0, [], [], []
    for what, group in groupby(rows, key=lambda row: row["what"]):
        heads.append(place)
        places.append(place)
        labels.append(what)
        for row in group:
            place += 1
            _one(axes, row, place)
            places.append(place)
            labels.append(row["who"])
        place += 1
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_yticks(places, labels)
    for tick, position in zip(axes.get_yticklabels(), places, strict=True):
        if position in heads:
            tick.set_fontweight("bold")
    axes.tick_params(axis="y", length=0, labelsize=footer.SIZE + 0.5)
    axes.set_ylim(place - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    most = max(row["most"] for row in rows)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(min(0.5, 0.8 * min(row["least"] for row in rows)), 3.2 * most)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}x"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("how many times as fast (or as small) as the other: right of 1 is ours")
    else:
        axes.set_xlim(0, 1.15 * max(most, 1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}x"))
        axes.set_xlabel("speed of ours as a multiple of this part alone: 1 is as fast")
    axes.grid(axis="x")


def _one(axes: Axes, row: dict, place: int) -> None:
    middle = row["ours_over_it"]
    colour, marker = LOOKS[_verdict(row)]
    spread = [[max(0, middle - row["least"])], [max(0, row["most"] - middle)]]
    look: style.Look = {"color": colour, "capsize": 1.5, "elinewidth": 0.8, "markersize": 3.4}
    axes.errorbar(middle, place, xerr=spread, fmt=marker, **look)
    if row.get("bar"):
        axes.plot(row["bar"], place, "|", color="black", markersize=6)
    end = max(row["most"], row.get("bar") or 0)
    axes.annotate(
        f"{middle:,.0f}x" if middle >= 100 else f"{middle:.3g}x",
        (end, place),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=footer.SIZE,
        color=colours.of_text(colour),
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3, "alpha": 0.85},
    )


@style.context()
def scaling(points: list[dict], source: str = "") -> Figure:
    """Return a column for each axis, four next to each other: above the rate, below the peak
    memory.

    Args:
        points: of the bench.
        source: where they are from, for the footer.
    """
    groups = [list(group) for _, group in groupby(points, key=lambda point: point["what"])]
    per_row = min(len(groups), 4)
    figure = style.new_figure(max(2, per_row), 3.0 * -(-len(groups) // per_row))
    every = figure.subplots(2 * -(-len(groups) // per_row), per_row, squeeze=False)
    # (2, panels): the rates of all groups, then their memories, which lie a row below
    panels = every.reshape(-1, 2, per_row).swapaxes(0, 1).reshape(2, -1)
    for unused in panels[:, len(groups) :].flat:
        unused.remove()
    for column, group in zip(panels[:, : len(groups)].T, groups, strict=True):
        x = [point["x"] for point in group]
        for axes, (key, label) in zip(
            column, (("rate", group[0]["unit"]), ("peak_memory_mb", "peak memory, MB")), strict=True
        ):
            values = [point[key] for point in group]
            axes.plot(x, values, "o-", color=OURS)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator(x))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(int(value))))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axes.set_xlim(min(x) / 1.5, max(x) * 1.5)
            axes.set_ylim(0, 1.15 * max(values))
            axes.set_ylabel(label)
            axes.grid(True)
        column[0].set_title(group[0]["what"].replace(", ", ",\n"))
        column[1].set_xlabel(group[0]["axis"])
        column[0].tick_params(labelbottom=False)
    footer.write(figure, source or "one run")
    return figure


def _number(value: int) -> str:
    return f"{value:,}" if value < 10_000 else names.count(value)


def save(figure: Figure, path: Path) -> None:
    """Write an SVG, the same bytes for the same figure."""
    figure.savefig(path, metadata={"Date": None})

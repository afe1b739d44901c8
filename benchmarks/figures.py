"""The bench's figures.

Ours over each peer with its spread, and how speed and memory grow; in the style of the study's
figures.
"""

from itertools import groupby
from pathlib import Path

from matplotlib.figure import Figure

from fourlenses.plotting import style

OURS, MISSED, PLAIN = "#332288", "#CC6677", "#44AA99"


@style.context()
def ratios(rows: list[dict]) -> Figure:
    """A line a peer.

    Ours over it, on a logarithmic axis, least to most over the rounds; a bar to be reached as an
    upright dash.
    """
    compared = [row for row in rows if row.get("ours_over_it")]
    figure = style.new_figure(2, 0.6 + 0.17 * len(compared))
    axes = figure.subplots()
    for position, row in enumerate(compared):
        middle, bar = row["ours_over_it"], row.get("bar")
        colour = PLAIN if not bar else OURS if middle >= bar else MISSED
        spread = [[max(0, middle - row["least"])], [max(0, row["most"] - middle)]]
        axes.errorbar(
            middle, position, xerr=spread, fmt="o", color=colour, capsize=1.5, elinewidth=0.8
        )
        if bar:
            axes.plot(bar, position, "|", color="black", markersize=7)
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_xscale("log")
    axes.set_yticks(range(len(compared)), [f"{row['what']}: {row['who']}" for row in compared])
    axes.set_ylim(len(compared) - 0.4, -0.6)
    axes.set_xlabel("ours over it (right of 1: ours is faster or smaller); | the bar")
    axes.grid(axis="x")
    return figure


@style.context()
def scaling(points: list[dict]) -> Figure:
    """A column an axis: above the rate, below the peak memory, over what grows."""
    groups = [list(group) for _, group in groupby(points, key=lambda point: point["what"])]
    figure = style.new_figure(max(2, len(groups)), 3.0)
    for column, group in enumerate(groups):
        x = [point["x"] for point in group]
        for line, (key, label) in enumerate(
            (("rate", group[0]["unit"]), ("peak_memory_mb", "peak memory, MB"))
        ):
            axes = figure.add_subplot(2, len(groups), line * len(groups) + column + 1)
            axes.plot(x, [point[key] for point in group], "o-", color=OURS)
            axes.set_xscale("log")
            axes.set_ylim(bottom=0)
            axes.set_ylabel(label)
            axes.set_title(group[0]["what"] if line == 0 else "")
            axes.set_xlabel(group[0]["axis"] if line else "")
            axes.grid()
    return figure


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})

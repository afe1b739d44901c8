"""Figures as files, with their numbers: the same table gives the same bytes, or nothing at all."""

import textwrap
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.core.files import atomic
from fourlenses.plotting import style

# A date or a version in the file would make two equal figures differ.
METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def save(figure: Figure, numbers: pd.DataFrame, prefix: str | Path) -> list[Path]:
    """Write ``prefix``.svg, .png and .csv and return their paths.

    All three are renamed together at the end, so that a figure that fails leaves the old files.
    """
    prefix = Path(prefix)
    paths = {
        ending: prefix.with_name(f"{prefix.name}.{ending}") for ending in ("svg", "png", "csv")
    }
    with ExitStack() as stack:
        drafts = {ending: stack.enter_context(atomic(path)) for ending, path in paths.items()}
        with style.context():
            _fix_layout(figure)
            for ending in ("svg", "png"):
                figure.savefig(drafts[ending], format=ending, metadata=METADATA[ending])
        numbers.to_csv(drafts["csv"], index=False, float_format="%.4f", lineterminator="\n")
    return list(paths.values())


def _fix_layout(figure: Figure) -> None:
    """Lay the figure out once, to a hundred-thousandth of its size.

    The solver of the layout differs in last digits from run to run, and an svg's ids are hashes of
    them.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        box = part.bbox_relative
        box.p0, box.p1 = box.p0.round(5), box.p1.round(5)
    for axes in figure.axes:
        left, bottom, width, height = (
            round(float(value), 5) for value in axes.get_position().bounds
        )
        axes.set_position((left, bottom, width, height))


def empty_figure(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw, one column wide.

    A study that does not ask a question still gets an answer.
    """
    figure = style.new_figure(1, height=1.0)
    axes = figure.subplots()
    axes.set_axis_off()
    wrapped = "\n".join(textwrap.wrap(text, 58))
    axes.text(0.5, 0.5, wrapped, ha="center", va="center", transform=axes.transAxes)
    return figure

"""Writing a figure and its numbers: the same table gives the same bytes, and no reader ever sees half a file."""

from contextlib import ExitStack
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.core.files import atomic
from fourlenses.plotting import style

# A date or a version in the file would make two equal figures differ.
METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def save(figure: Figure, numbers: pd.DataFrame, prefix: str | Path) -> list[Path]:
    """Writes `prefix`.svg, .png and .csv and returns their paths.

    All three are moved to their places together at the end, so that a figure that fails to draw leaves the old files untouched.
    """
    prefix = Path(prefix)
    places = {
        ending: prefix.with_name(f"{prefix.name}.{ending}") for ending in ("svg", "png", "csv")
    }
    with ExitStack() as stack:
        drafts = {ending: stack.enter_context(atomic(place)) for ending, place in places.items()}
        with style.context():
            _settle(figure)
            for ending in ("svg", "png"):
                figure.savefig(drafts[ending], format=ending, metadata=METADATA[ending])
        numbers.to_csv(drafts["csv"], index=False, float_format="%.4f", lineterminator="\n")
    return list(places.values())


def _settle(figure: Figure) -> None:
    """Lay the figure out once, to a hundred-thousandth of its size: the solver of the layout differs in last digits from run to run, and an
    svg's ids are hashes of them."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        box = part.bbox_relative
        box.p0, box.p1 = box.p0.round(5), box.p1.round(5)
    for axes in figure.axes:
        axes.set_position([round(float(value), 5) for value in axes.get_position().bounds])

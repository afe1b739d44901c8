"""Writing a figure and its numbers: the same table gives the same bytes, and no reader ever sees half a file."""

import os
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.lenses import style

# A date or a version in the file would make two equal figures differ.
METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def save(figure: Figure, numbers: pd.DataFrame, prefix: str | Path) -> list[Path]:
    """Writes `prefix`.svg, .png and .csv and returns their paths.

    All three are written beside their places first and moved there together at the end, so that a figure that fails to
    draw leaves the old files untouched.
    """
    prefix = Path(prefix)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    places = {ending: prefix.with_name(f"{prefix.name}.{ending}") for ending in ("svg", "png", "csv")}
    drafts = {ending: prefix.with_name(f".{prefix.name}.{os.getpid()}.{ending}") for ending in places}
    try:
        with style.context():
            for ending in ("svg", "png"):
                figure.savefig(drafts[ending], format=ending, metadata=METADATA[ending])
        numbers.to_csv(drafts["csv"], index=False, float_format="%.4f", lineterminator="\n")
        for ending, place in places.items():
            os.replace(drafts[ending], place)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return list(places.values())

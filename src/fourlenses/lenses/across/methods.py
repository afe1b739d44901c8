"""All methods on one axis (the paper's Figure 3): top-1 against labelled images.

One panel per target: a line per contrastive method, pretrained on equally many clean images of the
target's own dataset, with training from scratch, the random encoder and chance. Of several numbers
of images the one with most methods is shown, and of those the largest.
"""

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.lenses.across import curves
from fourlenses.plotting import style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import FROM_SCRATCH

KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per point; none of a target with a single method."""
    rows = selection.finest(evidence.metrics)
    parts = [_of_target(of_target) for _, of_target in selection.groups(rows, ["target"])]
    parts = [part for part in parts if len(part)]
    shown = pd.concat(parts) if parts else rows.iloc[:0]
    shown = shown.drop_duplicates([*KEYS, *bands.CELL])
    numbers = bands.over_seeds(shown, KEYS, evidence)
    numbers["published"] = published_comparison.published_top1(numbers, shown, KEYS)
    return curves.in_order(numbers, rows, "method")


def _of_target(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows shown of one target."""
    own = selection.linear(selection.from_random_weights(selection.own_encoders(rows)))
    own = own[own["method"] == own["entry"]]
    count = own.groupby("pretrain_images")["method"].nunique()
    if count.empty or count.max() < 2:
        return rows.iloc[:0]
    own = own[own["pretrain_images"] == count[count == count.max()].index.max()]
    others = selection.clean(rows)
    protocol = own["protocol"].iloc[0]
    random = others[(others["method"] == "random") & (others["protocol"] == protocol)]
    from_scratch = others[others["protocol"].isin(FROM_SCRATCH)]
    return pd.concat([own, random, from_scratch.assign(pretrain_images=0)])


@style.context()
def draw(evidence: Evidence) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure of all methods, and the numbers in it."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        return None, numbers
    return curves.draw_curves(
        evidence, numbers, by=["method", "protocol"], name=_name, title=_title
    )


def _name(first: pd.Series) -> str:
    if first["protocol"] in FROM_SCRATCH:
        return "scratch" if first["protocol"] == "scratch" else "scratch,\nas published"
    return "random" if first["method"] == "random" else methods.label(first["method"])


def _title(rows: pd.DataFrame) -> str:
    images = rows["pretrain_images"].max()
    return f"{names.dataset(rows['target'].iloc[0])}\n{names.count(images)} pretraining images"

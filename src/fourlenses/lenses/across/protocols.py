"""All protocols of a study on one encoder: top-1 against labelled images.

One panel per target: a line per protocol, of the contrastive encoder of clean images of the
target's own dataset that was evaluated by most of them (of several the one of most images), with
training from scratch and chance.
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
    """Return one row per point; none of a target with a single protocol."""
    rows = selection.finest(evidence.metrics)
    parts = [_of_target(of_target) for _, of_target in selection.groups(rows, ["target"])]
    parts = [part for part in parts if len(part)]
    shown = pd.concat(parts) if parts else rows.iloc[:0]
    shown = shown.drop_duplicates([*KEYS, *bands.CELL])
    numbers = bands.over_seeds(shown, KEYS, evidence)
    numbers["published"] = published_comparison.published_top1(numbers, shown, KEYS)
    return curves.in_order(numbers, rows, "protocol")


def _of_target(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows shown of one target."""
    own = selection.from_random_weights(selection.own_encoders(rows))
    own = own[own["method"] == own["entry"]]
    own = own[~own["protocol"].isin(FROM_SCRATCH)]
    count = own.groupby(["method", "pretrain_images"])["protocol"].nunique()
    if count.empty or count.max() < 2:
        return rows.iloc[:0]
    most = count[count == count.max()].index
    method = methods.in_order([entry for entry, _ in most])[0]
    images = max(images for entry, images in most if entry == method)
    own = own[(own["method"] == method) & (own["pretrain_images"] == images)]
    clean = selection.clean(rows)
    from_scratch = clean[clean["protocol"].isin(FROM_SCRATCH)]
    return pd.concat([own, from_scratch.assign(pretrain_images=0)])


@style.context()
def draw(evidence: Evidence) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure of all protocols, and the numbers in it."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        return None, numbers
    return curves.draw_curves(
        evidence, numbers, by=["protocol"], name=_name, title=_title, shaded=True
    )


def _name(first: pd.Series) -> str:
    return names.protocol(first["protocol"]).replace(", ", ",\n").replace("nearest ", "nearest\n")


def _title(rows: pd.DataFrame) -> str:
    encoder = rows.sort_values("pretrain_images").iloc[-1]
    of = f"{methods.label(encoder['method'])}, {names.count(encoder['pretrain_images'])} images"
    return f"{names.dataset(encoder['target'])}\n{of}"

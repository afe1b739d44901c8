"""Finding 3 (the paper's Figure 4): corrupted pretraining images cost contrastive methods more than supervised pretraining."""

import pandas as pd

from fourlenses.findings.cells import clean, comparable, groups, most_labels
from fourlenses.findings.finding import Comparison, Finding, Thresholds, above, judged, lacking
from fourlenses.lenses.contrasts import Term
from fourlenses.lenses.names import clean_source

NAME = "quality"
KEYS = ["target", "source", "corruption", "method"]


def evaluate(metrics: pd.DataFrame, paired: pd.DataFrame | None, thresholds: Thresholds) -> Finding:
    """Linear, at the most labels: (clean - corrupted) of each contrastive method less (clean - corrupted) of supervised pretraining on
    the same images. Mean over corruptions and methods, then over targets."""
    margin = thresholds.quality_margin
    statement = "Corrupting the pretraining images costs contrastive pretraining more than supervised pretraining" + (
        f", by more than {margin:g} points." if margin else "."
    )
    found = comparisons(metrics)
    if not found:
        return lacking(
            NAME, statement, "points", margin,
            "No corruption has, for a contrastive method and for supervised, a linear evaluation after clean and after corrupted "
            "pretraining on the same images. Add the lens quality with a contrastive method and supervised.",
        )  # fmt: skip
    note = "Drop of contrastive less drop of supervised; mean over corruptions and methods, then over targets."
    return judged(NAME, statement, "points", margin, above, found, paired, note)


def drops(metrics: pd.DataFrame) -> dict[tuple, Term]:
    """(target, source without corruption, corruption, method) -> clean less corrupted, a term of weight 1."""
    rows = comparable(metrics)
    rows = rows[(rows["protocol"] == "linear") & (rows["method"] != "random")]
    spoilt = most_labels(rows[rows["corruption"] != "none"])
    spoilt = spoilt.assign(source=spoilt["source"].map(clean_source))
    found = {}
    for key, after in groups(spoilt, KEYS):
        target, source, _, method = key
        before = clean(rows)
        before = before[(before["target"] == target) & (before["source"] == source) & (before["method"] == method)]
        before = before[before["labelled_images"] == after["labelled_images"].iloc[0]]
        if len(before):
            found[key] = (1.0, before, after)
    return found


def comparisons(metrics: pd.DataFrame) -> list[Comparison]:
    terms = drops(metrics)
    found = []
    for (target, source, corruption, method), (_, before, after) in terms.items():
        supervised = terms.get((target, source, corruption, "supervised"))
        if supervised and before["contrastive"].all():
            what = f"{corruption} of {source}: drop of {method} less drop of supervised"
            found.append(Comparison(target, what, [(1.0, before, after), (-1.0, *supervised[1:])]))
    return found

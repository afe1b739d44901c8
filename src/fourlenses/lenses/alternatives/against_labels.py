"""A downloaded encoder against labels alone: the better of each at every label size.

As in the contest of own pretraining, only encoders that were fine-tuned take part: a frozen encoder
against a network trained end to end is no contest.
"""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.findings.line import Line
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.alternatives.best_against_best import TUNED, Side, line
from fourlenses.lenses.alternatives.declared import Declared
from fourlenses.lenses.alternatives.sides import WAYS, in_words
from fourlenses.study.vocabulary import EXTERNAL

DOWNLOAD, LABELS = "a downloaded encoder leads", "labels alone lead"


def answers(
    evidence: Evidence, thresholds: Thresholds, declared: dict[str, Declared]
) -> Iterator[tuple[str, Line]]:
    """Yield each target with the line of a label size."""
    rows = selection.finest(evidence.metrics)
    for (target, _), here in selection.groups(rows, ["target", "labelled_images"]):
        found = line(
            _downloaded(here, target, declared),
            alone(here),
            question="download_or_labels",
            answers=(DOWNLOAD, LABELS),
            evidence=evidence,
            thresholds=thresholds,
        )
        if found:
            yield target, found


def alone(rows: pd.DataFrame) -> Side:
    """Return labels alone.

    Args:
        rows: of one target and label size, as `selection.finest` returns them.
    """
    ways = dict(selection.supervised(rows))
    return Side(ways=ways, words={way: way for way in ways})


def _downloaded(rows: pd.DataFrame, target: str, declared: dict[str, Declared]) -> Side:
    """External encoders that were fine-tuned and have not seen the target."""
    external = rows[(rows["method"] == EXTERNAL) & rows["protocol"].isin(WAYS)]
    tuned = set(external.loc[external["protocol"] == TUNED, "source"])
    ways = {
        f"{source}/{protocol}": cell
        for (source, protocol), cell in selection.groups(external, ["source", "protocol"])
        if source in tuned and target not in declared.get(source, Declared()).labels_of
    }
    return Side(ways=ways, words={way: in_words(cell) for way, cell in ways.items()})

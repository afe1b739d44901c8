"""A downloaded encoder against labels alone: the better of each at every label size.

A frozen encoder that loses against a network trained end to end has lost no contest: fine-tuned it
might win. One that beats every way of labels alone leads, whatever fine-tuning would add. So frozen
encoders take part in a win, and only those that were fine-tuned in every other answer.
"""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.findings.line import Line
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.alternatives.best_against_best import TUNED, Side, line
from fourlenses.lenses.alternatives.declared import Declared
from fourlenses.lenses.alternatives.sides import WAYS, in_words, ways_of
from fourlenses.study.vocabulary import EXTERNAL

DOWNLOAD, LABELS = "a downloaded encoder leads", "labels alone lead"


def answers(
    evidence: Evidence, thresholds: Thresholds, declared: dict[str, Declared]
) -> Iterator[tuple[str, Line]]:
    """Yield each target with the line of a label size."""
    rows = selection.finest(evidence.metrics)
    for (target, _), here in selection.groups(rows, ["target", "labelled_images"]):
        found = _against(here, target, declared, evidence=evidence, thresholds=thresholds)
        if found:
            yield target, found


def _against(
    rows: pd.DataFrame,
    target: str,
    declared: dict[str, Declared],
    *,
    evidence: Evidence,
    thresholds: Thresholds,
) -> Line | None:
    """The line at one label size; None where there are frozen encoders alone and none wins."""

    def compared(downloads: Side) -> Line | None:
        return line(
            downloads,
            alone(rows),
            question="download_or_labels",
            answers=(DOWNLOAD, LABELS),
            evidence=evidence,
            thresholds=thresholds,
        )

    every, tuned = _downloaded(rows, target, declared)
    of_all = compared(every)
    if len(tuned.ways) == len(every.ways) or (of_all and of_all.sense == 1):
        return of_all
    of_tuned = compared(tuned)
    # what wins among fewer ways alone does not win after the correction for all of them
    return of_all if of_tuned and of_tuned.sense == 1 else of_tuned


def alone(rows: pd.DataFrame) -> Side:
    """Return labels alone.

    Args:
        rows: of one target and label size, as `selection.finest` returns them.
    """
    ways = dict(selection.supervised(rows))
    return Side(ways=ways, words={way: way for way in ways})


def _downloaded(
    rows: pd.DataFrame, target: str, declared: dict[str, Declared]
) -> tuple[Side, Side]:
    """External encoders that have not seen the target; and those of them that were fine-tuned."""
    external = rows[(rows["method"] == EXTERNAL) & rows["protocol"].isin(WAYS)]
    seen = {name for name, entry in declared.items() if target in entry.labels_of}
    external = external[~external["source"].isin(seen)]
    fine_tuned = set(external.loc[external["protocol"] == TUNED, "source"])
    every, tuned = (_side(of) for of in (external, external[external["source"].isin(fine_tuned)]))
    return every, tuned


def _side(rows: pd.DataFrame) -> Side:
    ways = ways_of(rows)
    return Side(ways=ways, words={way: in_words(cell) for way, cell in ways.items()})

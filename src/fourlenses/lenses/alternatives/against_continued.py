"""A downloaded encoder continued on one's own images, against every other option.

So that it can be advised by the rule of the others (`findings.answer.options`), the better of the
continued encoders is compared with the better of labels alone, of the downloads as they came, and
of own pretraining, at every label size. Only those that were fine-tuned take part, and none whose
start has seen the target.
"""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.findings.line import Line
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.alternatives.against_labels import LABELS, alone
from fourlenses.lenses.alternatives.best_against_best import TUNED, Side, line
from fourlenses.lenses.alternatives.continued import in_words as continued_in_words
from fourlenses.lenses.alternatives.declared import Declared
from fourlenses.lenses.alternatives.sides import WAYS, in_words, own_ways, ways_of
from fourlenses.study.vocabulary import EXTERNAL

CONTINUED = "the continued encoder leads"
AS_IT_CAME, OWN = "a download as it came leads", "own pretraining leads"


def answers(
    evidence: Evidence, thresholds: Thresholds, declared: dict[str, Declared]
) -> Iterator[tuple[str, Line]]:
    """Yield each target with the lines of a label size."""
    rows = selection.finest(evidence.metrics)
    rows = rows.assign(start=rows["source"].map(selection.start_of).astype(str))
    for (target, _), here in selection.groups(rows, ["target", "labelled_images"]):
        seen = {name for name, known in declared.items() if target in known.labels_of}
        mine = _continued(here, seen)
        if not mine.ways:
            continue
        external = here[(here["method"] == EXTERNAL) & ~here["source"].isin(seen)]
        for question, other, answer in (
            ("continued_or_labels", alone(here), LABELS),
            ("continued_or_download", _side(ways_of(external)), AS_IT_CAME),
            ("continued_or_own", _side(own_ways(here)), OWN),
        ):
            first, second = mine, other
            if question != "continued_or_labels":  # by protocols that both sides have
                shared = mine.protocols() & other.protocols()
                first, second = mine.by(shared), other.by(shared)
            found = line(
                first,
                second,
                question=question,
                answers=(CONTINUED, answer),
                evidence=evidence,
                thresholds=thresholds,
            )
            if found:
                yield target, found


def _continued(rows: pd.DataFrame, seen: set[str]) -> Side:
    """rows: of one target and label size, with the column start. seen: starts that do not count."""
    own = selection.own_encoders(rows)
    own = own[(own["start"] != "") & ~own["start"].isin(seen) & own["protocol"].isin(WAYS)]
    encoders = own["method"] + " " + own["source"]
    tuned = encoders[own["protocol"] == TUNED]
    ways = ways_of(own[encoders.isin(tuned)])
    return Side(ways=ways, words={way: continued_in_words(cell) for way, cell in ways.items()})


def _side(ways: dict[str, pd.DataFrame]) -> Side:
    return Side(ways=ways, words={way: in_words(cell) for way, cell in ways.items()})

"""A downloaded encoder against one's own pretraining, the better of each."""

from dataclasses import dataclass

from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import best_of, selection, words
from fourlenses.findings.best_of import BestOf
from fourlenses.findings.comparison import HAS_SEEN, Comparison, Exclusion, measured, points
from fourlenses.findings.finding import Finding, of_outcomes
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import ABOVE
from fourlenses.lenses.alternatives.sides import Sides, in_words, protocols, sides
from fourlenses.study import names

NAME = "alternatives"
CLAIM = "A downloaded encoder beats one's own pretraining."
MISSING = (
    "a downloaded encoder and one's own pretraining on the target's images, by one protocol. Add "
    "the lens alternatives with encoders."
)
ONE_SET = (
    "one set of weights: its seeds are draws of labels and of validation images, not other "
    "trainings."
)
NOTE = (
    "The better of the downloaded encoders minus the better of one's own, linear or fine-tuned, by "
    "protocols that both have, at every label size. A side leads only where one of its ways beats "
    "every way of the other (Bonferroni, intersection-union). A downloaded encoder is "
    f"{ONE_SET}"
)


@dataclass(frozen=True, kw_only=True)
class Rivalry:
    """One target at one label size, and what came of it."""

    sides: Sides
    outcome: BestOf


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return the finding: the better downloaded encoder minus the better of own pretraining."""
    held, problem = rivalries(evidence, thresholds)
    finding = of_outcomes(
        NAME,
        CLAIM,
        [rivalry.outcome for rivalry in held],
        side=ABOVE,
        unit=words.POINTS,
        note=NOTE,
        missing=problem or MISSING,
        evidence=evidence,
        equivalence=thresholds.equivalence_margin,
    )
    return [finding]


def rivalries(evidence: Evidence, thresholds: Thresholds) -> tuple[list[Rivalry], str | None]:
    """Return what came of each target and label size, and what is wrong with the last of those
    whose cells have no seed in common."""
    held, problem = [], None
    for both in sides(evidence):
        if not both.own or not (both.downloaded or both.seen):
            continue
        try:
            held.append(Rivalry(sides=both, outcome=_outcome(both, evidence, thresholds)))
        except UserError as error:
            problem = str(error)
    return held, problem


def _outcome(both: Sides, evidence: Evidence, thresholds: Thresholds) -> BestOf:
    theirs, own = both.downloaded or both.seen, both.own
    pairs = {
        (way, mine): evidence.difference(theirs[way], own[mine]) for way in theirs for mine in own
    }
    means = ({way: rows["top1"].mean() for way, rows in side.items()} for side in (theirs, own))
    lead = best_of.lead(pairs, *means)
    first, second = theirs[lead.pair[0]], own[lead.pair[1]]
    outcome = measured(
        Comparison(
            target=both.target,
            what=f"{in_words(first)} minus {in_words(second)}, {words.images(both.labels)} labels",
            cells=[first, second],
            scales=[points([1.0, -1.0])],
            trained=[[first, second]],
            random=selection.random_encoder(evidence.metrics, first),
            excluded=None if both.downloaded else _has_seen(both),
            method=second["method"].iloc[0],
            about={
                "encoder": first["source"].iloc[0],
                "labelled_images": both.labels,
                "protocols": protocols(first, second),
            },
        ),
        evidence,
        thresholds,
    )
    return BestOf(outcome.comparison, outcome.contrasts, outcome.excluded, lead)


def _has_seen(both: Sides) -> Exclusion:
    encoders = words.listed(list(dict.fromkeys(words.encoder(rows) for rows in both.seen.values())))
    target = names.dataset(both.target)
    return Exclusion(HAS_SEEN, f"images or labels of {target} were seen by {encoders}")

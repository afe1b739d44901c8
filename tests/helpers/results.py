"""Results of evaluations as flat dictionaries, for tests that compare many entries."""

from fourlenses.evaluation.record import EvaluationResult


def flat(result: EvaluationResult) -> dict:
    """Return all entries by name, with the level scores by the name of their level."""
    scores = {
        **vars(result.report),
        "levels": {score.level: score for score in result.report.levels},
    }
    named = {"subset": result.subset, "label_size": result.label_size}
    return {**named, **scores, **result.details, "notes": result.notes, "timing": result.timing}

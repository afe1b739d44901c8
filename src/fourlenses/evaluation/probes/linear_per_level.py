"""The protocol `linear_per_level`: a linear classifier trained on the labels of each level.

`linear` coarsens the predictions of one classifier, trained on the finest level; see
`metrics.label_levels` for what the two distinguish.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fourlenses.evaluation.probes.contract import LabelledFeatures, ProbeContext
from fourlenses.evaluation.probes.linear_probe import evaluate_linear
from fourlenses.evaluation.record import EvaluationResult
from fourlenses.metrics.label_levels import LevelScore


def evaluate_linear_per_level(context: ProbeContext) -> list[EvaluationResult]:
    """Evaluate one classifier per level.

    ``l2`` in the details is level -> the chosen value; what a record says besides the level
    scores, predictions and ``l2`` is of the classifier of the finest level. A level of one class
    is skipped, as is a level at which the labels of a subset are of one class: there is nothing to
    train.
    """
    trained: dict[str, list[tuple[str, LevelScore, EvaluationResult]]] = {}
    for depth, at_level in _contexts(context):
        name = context.levels.names[depth]
        is_finest = depth == len(context.levels.names) - 1
        for result in evaluate_linear(at_level):
            score = replace(result.report.levels[-1], level_depth=depth, is_finest=is_finest)
            trained.setdefault(result.subset, []).append((name, score, result))
    return [_merged(classifiers) for classifiers in trained.values()]


def _contexts(context: ProbeContext) -> Iterator[tuple[int, ProbeContext]]:
    """The depth of each level of at least two classes, and the context of a classifier there."""
    for depth in range(len(context.levels.names)):
        levels = context.levels.up_to(depth)
        if levels.num_classes < 2:
            continue
        train, test = (
            LabelledFeatures(
                images.features, context.levels.labels_at(depth, np.asarray(images.labels))
            )
            for images in (context.train, context.test)
        )
        labels = np.asarray(train.labels)
        subsets = {
            name: at for name, at in context.subsets.items() if len(np.unique(labels[at])) > 1
        }
        if subsets:
            yield depth, replace(context, train=train, test=test, levels=levels, subsets=subsets)


def _merged(classifiers: list[tuple[str, LevelScore, EvaluationResult]]) -> EvaluationResult:
    """One result of the classifiers of one subset, from coarse to fine."""
    finest = classifiers[-1][2]
    l2 = {name: result.details["l2"] for name, _, result in classifiers}
    return replace(
        finest,
        report=replace(finest.report, levels=[score for _, score, _ in classifiers]),
        details={**finest.details, "l2": l2},
        level_predictions={name: result.report.predictions for name, _, result in classifiers},
    )

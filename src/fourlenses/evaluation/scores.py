"""Scores of classifiers on test images: per image, and as the numbers of a record.

Linear classifiers are scored block by block, so that memory does not grow with images times
classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fourlenses.evaluation.predictions import class_type
from fourlenses.metrics.calibration import expected_calibration_error
from fourlenses.metrics.label_levels import LabelLevels, LevelScore, score_levels
from fourlenses.metrics.mean_class_accuracy import mean_class_interval
from fourlenses.metrics.statistics import wilson_interval

BLOCK_ELEMENTS = 2**22


@dataclass(kw_only=True)
class Scores:
    """What a classifier predicts of N test images.

    Attributes:
        predictions: int64 (N,).
        in_top5: bool (N,), fewer than min(5, C) classes rank before the true one.
        log_loss: mean cross-entropy in nats; None where probabilities may be 0.
        confidences: float16 (N,), the probability of the predicted class (its spacing below 1 is
            0.0005); None where a classifier has none.
    """

    predictions: np.ndarray
    in_top5: np.ndarray
    log_loss: float | None
    confidences: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreReport:
    """The test scores of one classifier; accuracies in percent, intervals of 95 %.

    Attributes:
        n_test: test images.
        top1, top1_low, top1_high: accuracy and its Wilson interval.
        top5: accuracy over the five highest-ranked classes.
        mean_class_top1, mean_class_top1_low, mean_class_top1_high: averaged over the classes,
            and its bootstrap interval (the same draws for all encoders).
        classes_tested: number of classes with test images.
        log_loss: nats; None where it is infinite or undefined.
        ece: expected calibration error, percentage points; None without confidences.
        levels: top-1 at every label level, from coarse to fine.
        predictions: uint16 (N,), or uint32 above 65536 classes.
        confidences: float16 (N,), or None.
    """

    n_test: int
    top1: float
    top1_low: float
    top1_high: float
    top5: float
    mean_class_top1: float
    mean_class_top1_low: float
    mean_class_top1_high: float
    classes_tested: int
    log_loss: float | None
    ece: float | None
    levels: list[LevelScore]
    predictions: np.ndarray
    confidences: np.ndarray | None


def score(
    features: torch.Tensor, labels: torch.Tensor, *, weights: torch.Tensor, bias: torch.Tensor
) -> Scores:
    """Score a linear classifier by its logits x W^T + b.

    Equal logits go to the lower class, in the prediction and in the ranks, so that the result
    does not depend on the device's sort.

    Args:
        features: (N, D).
        labels: int64 (N,).
        weights: (C, D).
        bias: (C,).
    """
    classes = len(bias)
    number = torch.arange(classes, device=features.device)
    parts = []
    rows = max(1, BLOCK_ELEMENTS // classes)
    for x, y in zip(features.split(rows), labels.split(rows), strict=True):
        logits = x @ weights.T + bias  # (n, C)
        true = logits.gather(1, y[:, None])  # (n, 1)
        highest, predicted = logits.max(1)  # the first of equal maxima
        before = (logits > true) | ((logits == true) & (number < y[:, None]))
        normaliser = torch.logsumexp(logits, 1)
        loss = float((normaliser - true[:, 0]).sum(dtype=torch.float64)) / len(y)
        confidences = (highest - normaliser).exp().clamp(max=1).half()
        in_top5 = before.sum(1) < min(5, classes)
        arrays = (part.cpu().numpy() for part in (predicted, in_top5, confidences))
        predictions, in_top5_array, confidence_array = arrays
        parts.append(
            Scores(
                predictions=predictions,
                in_top5=in_top5_array,
                log_loss=loss,
                confidences=confidence_array,
            )
        )
    return joined(parts)


def joined(parts: Sequence[Scores]) -> Scores:
    """Join the scores of blocks of images, all of which have a log_loss and confidences."""
    sizes = [len(part.predictions) for part in parts]
    losses = [part.log_loss for part in parts if part.log_loss is not None]
    confidences = [part.confidences for part in parts if part.confidences is not None]
    total = sum(loss * size for loss, size in zip(losses, sizes, strict=True))
    return Scores(
        predictions=np.concatenate([part.predictions for part in parts]),
        in_top5=np.concatenate([part.in_top5 for part in parts]),
        log_loss=total / sum(sizes),
        confidences=np.concatenate(confidences),
    )


def report(scores: Scores, labels: np.ndarray, levels: LabelLevels) -> ScoreReport:
    """Return the numbers of a record.

    Args:
        scores: of N test images.
        labels: their finest classes, int (N,).
        levels: of the target.
    """
    total = len(labels)
    right = scores.predictions == labels
    correct = int(right.sum())
    low, high = wilson_interval(correct, total)
    mean_class, mean_class_low, mean_class_high = mean_class_interval(right, labels)
    if scores.confidences is None:
        ece = None
    else:
        ece = expected_calibration_error(scores.confidences, right)
    return ScoreReport(
        n_test=total,
        top1=100 * correct / total,
        top1_low=low,
        top1_high=high,
        top5=100 * int(scores.in_top5.sum()) / total,
        mean_class_top1=mean_class,
        mean_class_top1_low=mean_class_low,
        mean_class_top1_high=mean_class_high,
        classes_tested=len(np.unique(labels)),
        log_loss=scores.log_loss,
        ece=ece,
        levels=score_levels(scores.predictions, labels, levels),
        predictions=scores.predictions.astype(class_type(levels.num_classes)),
        confidences=scores.confidences,
    )

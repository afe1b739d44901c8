"""Scores of classifiers, of linear ones block by block so that memory does not grow with images times classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fourlenses.evaluation.predictions import class_type
from fourlenses.metrics.calibration import expected_calibration_error
from fourlenses.metrics.label_levels import coarsen, correct_by_level, describe_level
from fourlenses.metrics.mean_class_accuracy import mean_class_interval
from fourlenses.metrics.statistics import wilson_interval

BLOCK_ELEMENTS = 2**22


@dataclass
class Scores:
    """predictions (N,) int64; in_top5 (N,) bool; log_loss: mean cross-entropy in nats; confidences (N,) float16.

    log_loss is None where probabilities may be 0; a confidence is the probability of the predicted class (its spacing below 1 is 0.0005).
    """

    predictions: np.ndarray
    in_top5: np.ndarray
    log_loss: float | None
    confidences: np.ndarray | None = None


def score(
    features: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor
) -> Scores:
    """Score logits x W^T + b for features (N, D), labels (N,) int64, weights (C, D), bias (C,).

    Equal logits go to the lower class, in the prediction and in the ranks, so that the result does not depend on the device's sort.
    in_top5 says whether fewer than min(5, C) classes rank before the true one.
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
        predicted, in_top5, confidences = (
            part.cpu().numpy() for part in (predicted, before.sum(1) < min(5, classes), confidences)
        )
        parts.append(Scores(predicted, in_top5, loss, confidences))
    return joined(parts)


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of several blocks of images, all with a log_loss and confidences, as those of all of them."""
    sizes = [len(part.predictions) for part in parts]
    arrays = (
        np.concatenate([getattr(part, field) for part in parts])
        for field in ("predictions", "in_top5", "confidences")
    )
    predictions, in_top5, confidences = arrays
    return Scores(
        predictions,
        in_top5,
        sum(part.log_loss * size for part, size in zip(parts, sizes, strict=True)) / sum(sizes),
        confidences,
    )


def report(
    scores: Scores, labels: np.ndarray, level_table: np.ndarray, level_names: Sequence[str]
) -> dict:
    """What a record says of the test images: n_test, top1 with its 95 % interval, top5, predictions and confidences.

    And per level top1 with its interval, and what `describe_level` says of the level.

    labels: fine classes, int (N,). level_table: int (classes, levels), the id of every class at each of ``level_names``, the last one
    being the class itself. Accuracies in percent; predictions uint16, or uint32 above 65536 classes.

    Also mean_class_top1 with its bootstrap interval (see `class_mean`; the same draws for all encoders), classes_tested, the number of
    classes it is over, log_loss in nats, and ece, the expected calibration error in percentage points; the latter two may be None.
    """
    total = len(labels)
    right = scores.predictions == labels
    correct = int(right.sum())
    low, high = wilson_interval(correct, total)
    truth = coarsen(labels, level_table)  # (N, levels)
    levels = {}
    for level, (name, count) in enumerate(
        zip(
            level_names,
            correct_by_level(scores.predictions, labels, level_table).sum(0).tolist(),
            strict=True,
        )
    ):
        ends = wilson_interval(count, total)
        described = describe_level(level_table[:, level], truth[:, level])
        levels[name] = {"top1": 100 * count / total, "low": ends[0], "high": ends[1], **described}
    mean_class, mean_class_low, mean_class_high = mean_class_interval(right, labels)
    return {
        "n_test": total,
        "top1": 100 * correct / total,
        "top1_low": low,
        "top1_high": high,
        "top5": 100 * int(scores.in_top5.sum()) / total,
        "mean_class_top1": mean_class,
        "mean_class_top1_low": mean_class_low,
        "mean_class_top1_high": mean_class_high,
        "classes_tested": len(np.unique(labels)),
        "log_loss": scores.log_loss,
        "ece": None
        if scores.confidences is None
        else expected_calibration_error(scores.confidences, right),
        "levels": levels,
        "predictions": scores.predictions.astype(class_type(len(level_table))),
        "confidences": scores.confidences,
    }

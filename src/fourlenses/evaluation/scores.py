"""Scores of a linear classifier on labelled features, block by block so that memory does not grow with images times classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fourlenses.evaluation.granularity import correct_by_level
from fourlenses.evaluation.statistics import wilson_interval

BLOCK_ELEMENTS = 2**22


@dataclass
class Scores:
    """predictions (N,) int64; in_top5 (N,) bool; log_loss: mean cross-entropy in nats; confidences (N,) float32 in (0, 1].

    A confidence is the softmax probability of the predicted class.
    """

    predictions: np.ndarray
    in_top5: np.ndarray
    log_loss: float
    confidences: np.ndarray


def score(features: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor) -> Scores:
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
        before = (logits > true) | ((logits == true) & (number < y[:, None]))
        total = torch.logsumexp(logits, 1)
        loss = float((total - true[:, 0]).sum(dtype=torch.float64)) / len(y)
        confidence = (logits.amax(1) - total).exp().clamp_max(1)
        # argmax: the first of equal maxima
        arrays = (part.cpu().numpy() for part in (logits.argmax(1), before.sum(1) < min(5, classes), confidence))
        predictions, in_top5, confidences = arrays
        parts.append(Scores(predictions, in_top5, loss, confidences))
    return joined(parts)


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of several blocks of images as those of all of them."""
    sizes = [len(part.predictions) for part in parts]
    predictions, in_top5, confidences = (
        np.concatenate([getattr(part, field) for part in parts]) for field in ("predictions", "in_top5", "confidences")
    )
    loss = sum(part.log_loss * size for part, size in zip(parts, sizes, strict=True)) / sum(sizes)
    return Scores(predictions, in_top5, loss, confidences)


def report(scores: Scores, labels: np.ndarray, level_table: np.ndarray, level_names: Sequence[str]) -> dict:
    """What a record says of the test images: n_test, top1 with its 95 % interval, top5, log_loss, top1 per level, and the images.

    labels: fine classes, int (N,). level_table: int (classes, levels), the id of every class at each of ``level_names``, the last one
    being the class itself. Accuracies in percent; predictions uint16, or uint32 above 65536 classes; confidences float16.
    """
    total = len(labels)
    correct = int((scores.predictions == labels).sum())
    low, high = wilson_interval(correct, total)
    levels = {}
    for name, count in zip(level_names, correct_by_level(scores.predictions, labels, level_table).sum(0).tolist(), strict=True):
        ends = wilson_interval(count, total)
        levels[name] = {"top1": 100 * count / total, "low": ends[0], "high": ends[1]}
    return {
        "n_test": total,
        "top1": 100 * correct / total,
        "top1_low": low,
        "top1_high": high,
        "top5": 100 * int(scores.in_top5.sum()) / total,
        "log_loss": scores.log_loss,
        "levels": levels,
        "predictions": scores.predictions.astype(np.uint16 if len(level_table) <= 2**16 else np.uint32),
        "confidences": scores.confidences.astype(np.float16),
    }

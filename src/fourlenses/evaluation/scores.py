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
    """predictions (N,) int64; in_top5 (N,) bool; log_loss: mean cross-entropy in nats."""

    predictions: np.ndarray
    in_top5: np.ndarray
    log_loss: float


def score(features: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor) -> Scores:
    """Score logits x W^T + b for features (N, D), labels (N,) int64, weights (C, D), bias (C,).

    Equal logits go to the lower class, in the prediction and in the ranks, so that the result does not depend on the device's sort.
    in_top5 says whether fewer than min(5, C) classes rank before the true one.
    """
    classes = len(bias)
    number = torch.arange(classes, device=features.device)
    predictions, in_top5, loss = [], [], 0.0
    rows = max(1, BLOCK_ELEMENTS // classes)
    for x, y in zip(features.split(rows), labels.split(rows), strict=True):
        logits = x @ weights.T + bias  # (n, C)
        true = logits.gather(1, y[:, None])  # (n, 1)
        predictions.append(logits.argmax(1))  # the first of equal maxima
        before = (logits > true) | ((logits == true) & (number < y[:, None]))
        in_top5.append(before.sum(1) < min(5, classes))
        loss += float((torch.logsumexp(logits, 1) - true[:, 0]).sum(dtype=torch.float64))
    return Scores(torch.cat(predictions).cpu().numpy(), torch.cat(in_top5).cpu().numpy(), loss / len(labels))


def report(scores: Scores, labels: np.ndarray, level_table: np.ndarray, level_names: Sequence[str]) -> dict:
    """What a record says of the test images: n_test, top1 with its 95 % interval, top5, the same per level, and the predictions.

    labels: fine classes, int (N,). level_table: int (classes, levels), the id of every class at each of ``level_names``, the last one
    being the class itself. Accuracies in percent; predictions uint16, or uint32 above 65536 classes.
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
        "levels": levels,
        "predictions": scores.predictions.astype(np.uint16 if len(level_table) <= 2**16 else np.uint32),
    }

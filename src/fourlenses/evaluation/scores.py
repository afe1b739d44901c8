"""Scores of a linear classifier on labelled features, block by block so that memory does not grow with images times classes."""

from dataclasses import dataclass

import numpy as np
import torch

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

"""Score an encoder with its classifier on images of a beton, part by part, as a large test set does not fit in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from fourlenses.data.resident import load_images
from fourlenses.evaluation.features import extract_features
from fourlenses.evaluation.scores import BLOCK_ELEMENTS, Scores, score

BATCH_SIZE = 500  # of features; as in the other protocols, since the last bits of a feature may depend on it
PART = 4 * BATCH_SIZE  # images in memory at a time


@dataclass(frozen=True)
class Scorer:
    """Rows of a dataset's manifest in its beton, and how they are looked at.

    image_size: px. crop: share of the side of the central square that is kept (1: all of it); 0.875 is 224 of 256 px.
    normalisation: mean and std, or nothing.
    """

    beton: Path
    dataset: str
    image_size: int
    crop: float
    normalisation: dict
    workers: int

    def features(self, encoder: nn.Module, rows: np.ndarray, device: torch.device, what: str) -> tuple[torch.Tensor, np.ndarray]:
        """Features (M, D) float32 of the images of ``rows`` (M,), and their labels int64 (M,)."""
        features, labels = [], []
        side = round(self.image_size / self.crop)
        margin = (side - self.image_size) // 2
        kept = slice(margin, margin + self.image_size)
        with tqdm(total=len(rows), desc=what, unit="image", leave=False, disable=None) as bar:
            for first in range(0, len(rows), PART):
                part = load_images(self.beton, rows[first : first + PART], side, self.dataset, self.workers)
                features.append(extract_features(encoder, part.images[:, :, kept, kept], BATCH_SIZE, device, **self.normalisation))
                labels.append(part.labels)
                bar.update(len(part.labels))
        return torch.cat(features), np.concatenate(labels)

    def score(
        self, encoder: nn.Module, classifier: nn.Linear, rows: np.ndarray, device: torch.device, what: str
    ) -> tuple[Scores, np.ndarray, np.ndarray]:
        """Scores, confidences float16 (M,) and labels int64 (M,)."""
        features, labels = self.features(encoder, rows, device, what)
        weight, bias = (parameter.detach().float().cpu() for parameter in (classifier.weight, classifier.bias))
        scores = score(features, torch.from_numpy(labels), weight, bias)
        return scores, confidences(features, weight, bias), labels


def confidences(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> np.ndarray:
    """The softmax probability of the predicted class, float16 (M,), of logits x W^T + b: features (M, D), weight (C, D), bias (C,)."""
    parts = []
    for x in features.split(max(1, BLOCK_ELEMENTS // len(bias))):
        logits = (x @ weight.T + bias).double()
        parts.append((logits.amax(1) - torch.logsumexp(logits, 1)).exp())
    return torch.cat(parts).to(torch.float16).numpy()

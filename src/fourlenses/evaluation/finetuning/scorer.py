"""Score an encoder with its classifier on images of a beton, decoded block by block, as a large test set does not fit in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fourlenses.core.progress import progress_bar
from fourlenses.data.beton.selection import select
from fourlenses.data.loading.resident import image_blocks
from fourlenses.evaluation.features.extract import feature_batches
from fourlenses.evaluation.scores import Scores, score

BATCH_SIZE = (
    500  # as of features in the other protocols, since the last bits of a feature may depend on it
)


@dataclass(frozen=True)
class Scorer:
    """How images of a dataset are looked at.

    image_size: px. crop: share of the side of the central square that is kept (1: all of it); 0.875 is 224 of 256 px.
    normalisation: mean and std, or nothing.
    """

    beton: Path
    dataset: str
    image_size: int
    crop: float
    normalisation: dict
    workers: int

    def score(
        self,
        encoder: nn.Module,
        classifier: nn.Linear,
        rows: np.ndarray,
        device: torch.device,
        what: str,
    ) -> tuple[Scores, np.ndarray]:
        """Scores of the images in these rows of the manifest (M,), and their labels int64 (M,). ``what`` they are, for the bar."""
        features, labels = self.features(encoder, rows, device, what)
        weight, bias = (
            parameter.detach().float().cpu() for parameter in (classifier.weight, classifier.bias)
        )
        return score(features, torch.from_numpy(labels), weight, bias), labels

    def features(
        self, encoder: nn.Module, rows: np.ndarray, device: torch.device, what: str
    ) -> tuple[torch.Tensor, np.ndarray]:
        """Features (M, D) float32 and labels int64 (M,)."""
        chosen = select(self.beton, rows, self.dataset)
        side = round(self.image_size / self.crop)
        margin = (side - self.image_size) // 2
        kept = slice(margin, margin + self.image_size)
        blocks = (
            block[:, :, kept, kept]
            for block in image_blocks(chosen, side, self.workers, BATCH_SIZE)
        )
        features = []
        with progress_bar(what, "image", len(rows), inner=True) as bar:
            for part in feature_batches(encoder, blocks, device, **self.normalisation):
                features.append(part)
                bar.update(len(part))
        return torch.cat(features), chosen.labels

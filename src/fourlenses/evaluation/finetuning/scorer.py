"""Test images of a beton scored by a trained classifier.

They are decoded block by block, as a large test set does not fit in memory.
"""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fourlenses.core.progress import progress_bar
from fourlenses.data.beton.selection import select
from fourlenses.data.loading.resident import central, image_blocks
from fourlenses.evaluation.features.extract import feature_batches
from fourlenses.evaluation.scores import Scores, score
from fourlenses.methods.supervised import Supervised
from fourlenses.study.preprocessing import BILINEAR

# As of features in the other protocols, since the last bits of a feature may depend on it.
BATCH_SIZE = 500


@dataclass(frozen=True)
class Scorer:
    """A dataset's images, as a classifier is tested on them.

    Attributes:
        image_size: side in pixels.
        crop: share of the central square's side that is kept, in (0, 1]; 0.875 is 224 of 256 px.
        normalisation: mean and std, or nothing.
        interpolation: one of `INTERPOLATIONS`, by which images are scaled.
        workers: threads that decode.
    """

    beton: Path
    dataset: str
    _: KW_ONLY
    image_size: int
    crop: float
    normalisation: dict[str, list[float]]
    workers: int
    interpolation: str = BILINEAR

    def score(
        self, method: Supervised, rows: np.ndarray, *, device: torch.device, what: str
    ) -> tuple[Scores, np.ndarray]:
        """Score the classifier on some images.

        Args:
            rows: of the manifest, int (M,).
            what: the images are, for the progress bar.

        Returns:
            The scores, and the images' labels, int64 (M,).
        """
        features, labels = self.features(method.encoder, rows, device=device, what=what)
        weight, bias = (
            parameter.detach().float().cpu() for parameter in (method.head.weight, method.head.bias)
        )
        scores = score(features, torch.from_numpy(labels), weights=weight, bias=bias)
        return scores, labels

    def features(
        self, encoder: nn.Module, rows: np.ndarray, *, device: torch.device, what: str
    ) -> tuple[torch.Tensor, np.ndarray]:
        """Return features, float32 (M, D), and labels, int64 (M,)."""
        chosen = select(self.beton, rows, self.dataset)
        side = round(self.image_size / self.crop)
        squares = image_blocks(
            chosen,
            side,
            workers=self.workers,
            block=BATCH_SIZE,
            interpolation=self.interpolation,
        )
        blocks = (central(block, self.image_size) for block in squares)
        features = []
        with progress_bar(what, "image", len(rows), inner=True) as bar:
            for part in feature_batches(encoder, blocks, device=device, **self.normalisation):
                features.append(part)
                bar.update(len(part))
        return torch.cat(features), chosen.labels

"""Linear evaluation with augmentation: a classifier on features of random views, encoder frozen.

The protocol of SimCLR (Chen et al., ICML 2020, appendix B.6, https://arxiv.org/abs/2002.05709;
google-research/simclr at 383d414, README and run.py), which Cole et al. (CVPR 2022,
https://arxiv.org/abs/2105.05837) say they follow: 90 epochs of 4096 images, Nesterov momentum 0.9,
learning rate 0.1 x batch/256 without warm-up and with a cosine to 0, random resized crops and
flips, weights from 0, batch norm by its running statistics, tested once on the centre crop.

Deviations: weight decay (1e-6 in the preset `paper`, as in the authors' command; their paper says
none) spares the bias; a batch is clamped to the labels and crosses the end of a pass instead of
dropping the rest; crops come from the central square of an image.
"""

import torch
from torch import Tensor, nn

from fourlenses.methods.method import Embeddings
from fourlenses.methods.supervised import Supervised


class LinearAugmented(Supervised):
    """A linear classifier over an encoder that stays as it is.

    The encoder is in evaluation mode always, and has no gradient and no update.

    Args:
        piece: most rows that pass through the encoder at a time, 0 for all; unlike
            `StepConfig.micro_batch` this costs no second pass.
    """

    cuts_batches = True

    def __init__(
        self,
        encoder: nn.Module,
        feature_width: int,
        num_classes: int,
        *,
        label_smoothing: float,
        piece: int = 0,
    ):
        encoder.requires_grad_(False)
        super().__init__(encoder, feature_width, num_classes, label_smoothing=label_smoothing)
        self.piece = piece

    def train(self, mode: bool = True) -> "LinearAugmented":
        super().train(mode)
        self.encoder.eval()
        return self

    def embed(self, views: list[Tensor]) -> Embeddings:
        (images,) = views
        with torch.no_grad():
            features = torch.cat(
                [self.encoder(part) for part in images.split(self.piece or len(images))]
            )  # (rows, D)
        return (self.head(features),)

"""The similarity that BYOL and SimSiam raise.

Grill et al., NeurIPS 2020, equation 2; Chen & He, CVPR 2021, equation 1.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from fourlenses.methods.precision import at_least_float32


def negative_cosine(predictions: Tensor, projections: Tensor) -> Tensor:
    """Return D(p, z) of SimSiam's equation 1, mean over rows, a scalar from -1 to 1.

    No gradient reaches the projections.

    Args:
        predictions, projections: float (N, D).
    """
    # In single precision even under autocast: near agreement the loss changes in digits that half
    # precision lacks.
    with torch.autocast(predictions.device.type, enabled=False):
        p, z = map(at_least_float32, (predictions, projections.detach()))
        return -(F.normalize(p, dim=1) * F.normalize(z, dim=1)).sum(dim=1).mean()

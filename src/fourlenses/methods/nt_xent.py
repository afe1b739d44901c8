"""NT-Xent, the normalised temperature-scaled cross entropy of SimCLR.

Chen et al., ICML 2020, equation 1 and Algorithm 1, https://arxiv.org/abs/2002.05709.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from fourlenses.methods.precision import at_least_float32


def nt_xent(z1: Tensor, z2: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Return loss and contrastive accuracy of N positive pairs, two scalars.

    Row i of z1 and row i of z2 project two views of one image. Each of the 2N rows is classified
    among the 2N - 1 others by cosine similarity / temperature; its class is the other view of its
    image, so that 2N - 2 are negatives. The loss is the mean over all 2N rows, and the accuracy
    (without gradient) the share of rows whose nearest other row is their positive.

    Args:
        z1, z2: projections, float (N, D); the scalars are float32, or float64 of float64.
        temperature: above 0; 0.1 and 0.5 are usual.

    Raises:
        ValueError: two shapes, or a temperature that is not above 0.
    """
    if z1.shape != z2.shape or z1.ndim != 2:
        raise ValueError(
            f"nt_xent needs two (N, D) batches of one shape, not {tuple(z1.shape)} and "
            f"{tuple(z2.shape)}"
        )
    if temperature <= 0:
        raise ValueError(f"nt_xent needs a temperature above 0, not {temperature}")
    z = torch.cat([z1, z2])  # (2N, D)
    # In single precision even under autocast: at a temperature of 0.1 a half-precision similarity
    # is off by 0.01 nats.
    with torch.autocast(z.device.type, enabled=False):
        z = F.normalize(at_least_float32(z), dim=1)
        logits = z @ z.T / temperature  # (2N, 2N)
        # A row is no candidate for itself (Algorithm 1 sums over k != i).
        logits.fill_diagonal_(-torch.inf)
        rows = torch.arange(len(z), device=z.device)
        positives = rows.roll(len(z1))  # (2N,): i + N modulo 2N
        loss = F.cross_entropy(logits, positives)
    accuracy = (logits.detach().argmax(dim=1) == positives).float().mean()
    return loss, accuracy

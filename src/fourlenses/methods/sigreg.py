"""Sketched isotropic Gaussian regularisation: how far embeddings are from a standard normal.

Balestriero and LeCun: LeJEPA, 2025, https://arxiv.org/abs/2511.08544, section 4, with the
quadrature of the authors' code: the integrand is even, so that [0, 3] is integrated and doubled.
"""

import torch
from torch import Tensor

from fourlenses.methods.precision import at_least_float32

KNOTS = 17  # of the trapezoidal rule
T_MAX = 3.0  # where the integral ends; the weight exp(-t^2/2) is 0.011 there


def random_directions(width: int, count: int, *, seed: int) -> Tensor:
    """Draw unit vectors (width, count), float32, the same in every process."""
    generator = torch.Generator().manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
    drawn = torch.randn(width, count, generator=generator)
    return drawn / drawn.norm(dim=0)


def epps_pulley(samples: Tensor) -> Tensor:
    """Return the Epps-Pulley statistic of each column against N(0, 1).

    N times the integral over t of |mean of exp(i t x) - exp(-t^2/2)|^2 exp(-t^2/2).

    Args:
        samples: (N, M) float.

    Returns:
        (M,) float32 or float64, at least 0.
    """
    x = at_least_float32(samples)
    t = torch.linspace(0, T_MAX, KNOTS, dtype=x.dtype, device=x.device)  # (K,)
    normal = torch.exp(-t.square() / 2)  # characteristic function of N(0, 1), and the weight
    widths = torch.full_like(t, 2 * T_MAX / (KNOTS - 1))
    widths[:: KNOTS - 1] /= 2  # the ends
    angles = x.unsqueeze(-1) * t  # (N, M, K)
    real, imaginary = angles.cos().mean(dim=0), angles.sin().mean(dim=0)  # (M, K)
    distance = (real - normal).square() + imaginary.square()
    return len(x) * (distance @ (widths * normal))


def sigreg(embeddings: Tensor, directions: Tensor) -> Tensor:
    """Return the mean statistic of the embeddings (N, D) along the directions (D, M), a scalar."""
    # the characteristic function is a mean of cosines near 1: half precision loses differences
    with torch.autocast(embeddings.device.type, enabled=False):
        embeddings = at_least_float32(embeddings)
        return epps_pulley(embeddings @ directions.to(embeddings.dtype)).mean()

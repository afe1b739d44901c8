"""A diagnostic for methods without negatives: the spread of the embeddings."""

import torch
from torch import Tensor
from torch.nn import functional as F

from fourlenses.methods.precision import at_least_float32


@torch.no_grad()
def embedding_std(embeddings: Tensor, correction: int = 1) -> Tensor:
    """Return the spread of L2-normalised embeddings, a scalar.

    It is the standard deviation over the batch, mean over dimensions, times sqrt(D): 0 when all
    embeddings point the same way (collapse), about 1 when they point everywhere (Chen & He, CVPR
    2021, section 4.1, https://arxiv.org/abs/2011.10566, whose figure 2 shows it without the factor
    sqrt(D)).

    Args:
        embeddings: float (B, D).
        correction: 1 for the unbiased deviation, 0 for the biased one.
    """
    unit = F.normalize(at_least_float32(embeddings.detach()), dim=1)
    return unit.std(dim=0, correction=correction).mean() * embeddings.shape[1] ** 0.5

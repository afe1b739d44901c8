"""The precision of losses and statistics, whatever autocast makes of the encoder's arithmetic."""

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Return the values in float32, or in their own type if that is wider."""
    return values.to(torch.promote_types(values.dtype, torch.float32))

"""Device, precision and memory layout of a training step."""

from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the type of that name: float32, bfloat16, or auto: bfloat16 on a GPU."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


@dataclass(frozen=True)
class StepConfig:
    """How a step is computed.

    Attributes:
        precision: of the encoder's arithmetic.
        channels_last: memory layout of images and weights.
        micro_batch: most images that are embedded at a time; 0 for all (`gradient_cache`).
        graph: record the step and replay it, where that can be done (`step.replayed`).
    """

    device: torch.device
    precision: torch.dtype = torch.float32
    _: KW_ONLY
    channels_last: bool = True
    micro_batch: int = 0
    graph: bool = False

    def autocast(self) -> torch.autocast:
        """The context that the encoder computes in."""
        return torch.autocast(
            self.device.type, self.precision, enabled=self.precision != torch.float32
        )

    def arrange(self, views: list[Tensor]) -> list[Tensor]:
        """Return the views in the memory layout of the weights."""
        return (
            [view.contiguous(memory_format=torch.channels_last) for view in views]
            if self.channels_last
            else views
        )

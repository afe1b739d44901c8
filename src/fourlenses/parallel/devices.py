"""The device that a job computes on."""

import numpy as np
import torch

from fourlenses.core.errors import UserError


def choose_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is a GPU where there is one.

    Raises:
        UserError: a GPU is asked for by name and torch sees none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(
            f"config key 'device' is '{name}', but torch {torch.__version__} sees no GPU here; use "
            "auto or cpu"
        )
    return torch.device(name)


def to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return a numpy array as a tensor on the device, without waiting for a GPU's other work.

    It goes there from pinned memory, which the copy alone may wait for.
    """
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

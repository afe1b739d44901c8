"""Which device a job computes on."""

import torch

from fourlenses.errors import UserError


def choose_device(name: str) -> torch.device:
    """``auto`` is a GPU where there is one.

    Raises:
        UserError: a GPU is asked for by name and torch sees none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"config key 'device' is '{name}', but torch {torch.__version__} sees no GPU here; use auto or cpu")
    return torch.device(name)

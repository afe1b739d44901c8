"""The device that a job computes on.

A job that was given a GPU computes on it or ends: on the host's processors a training of hours
would take days, and the GPU would be paid for all the same.
"""

import os
import re
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.machine.gpus import given_gpu, has_code_for

_DRIVER = Path("/proc/driver/nvidia/version")


def choose_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is a GPU where there is one.

    Raises:
        UserError: a GPU is asked for by name, or this job was given one, and torch cannot use it.
    """
    if not torch.cuda.is_available():
        given = given_gpu(os.environ) if name == "auto" else ""
        if given:
            raise UserError(
                f"{given}, but torch {torch.__version__} cannot use it ({_why_not()}); 'make "
                "doctor' says more; to compute without it, set the config key 'device' to cpu"
            )
        if name.startswith("cuda"):
            raise UserError(
                f"config key 'device' is '{name}', but torch {torch.__version__} sees no GPU here "
                f"({_why_not()}); use auto or cpu"
            )
    elif name == "auto":
        name = "cuda"
    device = torch.device("cpu" if name == "auto" else name)
    # of several processes each has its own GPU, and takes no room on the first one
    if device.type == "cuda" and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        check_gpu(device)
    return device


def check_gpu(device: torch.device) -> None:
    """Compute something on a GPU.

    Raises:
        UserError: torch has no code for it, or it fails.
    """
    name = torch.cuda.get_device_name(device)
    capability, builds = torch.cuda.get_device_capability(device), torch.cuda.get_arch_list()
    if not has_code_for(capability, builds):
        raise UserError(
            f"the GPU {name} has compute capability {capability[0]}.{capability[1]}, for which "
            f"torch {torch.__version__} has no code (built for {', '.join(builds)}); use another "
            "GPU, install a torch built for this one, or set the config key 'device' to cpu"
        )
    try:
        torch.ones(1, device=device).add_(1).item()
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"the GPU {name} cannot be used ({reason}); nvidia-smi shows what else runs on it and "
            "errors of its memory; use another one, or set the config key 'device' to cpu"
        ) from error


def _why_not() -> str:
    """Return why torch sees no GPU, as far as the system tells."""
    if torch.version.cuda is None and torch.version.hip is None:
        return "it is built for CPUs only"
    if torch.version.cuda is None:
        return "it is built for AMD's GPUs"
    try:
        driver = re.search(r"\d+\.\d+(\.\d+)*", _DRIVER.read_text(encoding="utf-8"))
    except OSError:
        return f"it is built for CUDA {torch.version.cuda}; no NVIDIA driver is loaded here"
    version = driver[0] if driver else "unknown"
    return (
        f"it is built for CUDA {torch.version.cuda}; the driver is {version}, which has to support "
        "that CUDA"
    )


def to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return a numpy array as a tensor on the device, without waiting for a GPU's other work.

    It goes there from pinned memory, which the copy alone may wait for.
    """
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

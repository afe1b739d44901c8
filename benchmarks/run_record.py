"""What a table of measurements says of the machine it was made on."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import torch

PEERS = ("torch", "torchvision", "triton", "ffcv", "lightly", "kornia", "pillow", "numpy", "numba", "scikit-learn")


def machine(device: torch.device) -> dict:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    here = Path(__file__).parent
    commit = subprocess.run(["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "gpu": gpu, "python": platform.python_version(),
            "versions": {name: version(name) for name in PEERS}, "commit": commit, "cuda": torch.version.cuda}  # fmt: skip


def version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

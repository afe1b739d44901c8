"""What a measurement was made on: processor or GPU, cores, versions, commit."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PACKAGES = (
    "torch",
    "torchvision",
    "triton",
    "ffcv",
    "lightly",
    "kornia",
    "pillow",
    "numpy",
    "numba",
    "scikit-learn",
    "snakemake",
)


def machine(cores: int) -> dict:
    """For the head of a results file.

    ``load``: the load average of the last minute as the bench began, about 0 where nothing else
    ran.
    """
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
    description = {
        "processor": model,
        "cores": cores,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }
    description |= {
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": _versions(),
        "commit": _commit(),
    }
    import torch

    description["cuda"] = torch.version.cuda if torch.cuda.is_available() else None
    return description | (
        {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    )


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # a peer of other rows than those measured
            continue
    return versions


def _commit() -> str:
    git = ["git", "-C", str(Path(__file__).parent)]
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--untracked-files=no"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return commit + (", changed" if changed.strip() else "")

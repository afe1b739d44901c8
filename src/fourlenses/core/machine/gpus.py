"""GPUs without torch: those that this job was given, and for which a build of torch has code."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

# NVIDIA's driver has a folder for each of this machine's GPUs in it
_FOLDER = Path("/proc/driver/nvidia/gpus")
# What schedulers, containers and users name GPUs by. The first that names one counts.
_NAMES = (
    "SLURM_STEP_GPUS",
    "SLURM_JOB_GPUS",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
)
_COUNT = "SLURM_GPUS_ON_NODE"
_HIDDEN = ("", "-1", "NoDevFiles", "none", "void")  # values that name no GPU


def given_gpu(environment: Mapping[str, str], gpus: Path = _FOLDER) -> str:
    """Return by what this process was given a GPU, as the beginning of a sentence; "" if by none.

    Outside of a SLURM job a GPU of this machine counts, unless CUDA_VISIBLE_DEVICES hides it.

    Args:
        environment: Of the process.
        gpus: The driver's folder.
    """
    for variable in (*_NAMES, _COUNT):
        value = environment.get(variable, "").strip()
        if value not in _HIDDEN and not (variable == _COUNT and value == "0"):
            return f"this job was given a GPU ({variable} is '{value}')"
    if "SLURM_JOB_ID" in environment or "CUDA_VISIBLE_DEVICES" in environment:
        return ""
    try:
        count = sum(1 for _ in gpus.iterdir())
    except OSError:
        return ""
    return f"this machine has a GPU of NVIDIA's (one of {count})" if count else ""


def has_code_for(capability: Sequence[int], builds: Sequence[str]) -> bool:
    """Return whether a build of torch can run on a GPU.

    Compiled code (sm_80) runs on GPUs of its generation, from its own minor version on; code that
    the driver compiles (compute_80) on every later one. See
    https://docs.nvidia.com/cuda/cuda-programming-guide/

    Args:
        capability: Compute capability of the GPU: major and minor.
        builds: What `torch.cuda.get_arch_list` gives. Where it names none of NVIDIA's, as in builds
            for AMD's GPUs, the answer is True.
    """
    known = [match for each in builds if (match := re.fullmatch(r"(\w+)_(\d+)(\d)([af]?)", each))]
    known = [match for match in known if match[1] in ("sm", "compute")]
    major, minor = capability
    for kind, built_major, built_minor, exact in (match.groups() for match in known):
        version = (int(built_major), int(built_minor))
        if (major, minor) == version:
            return True
        later = (major, minor) > version and not exact
        if later and (kind == "compute" or major == version[0]):
            return True
    return not known

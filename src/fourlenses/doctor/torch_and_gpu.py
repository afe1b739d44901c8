"""torch, its CUDA build against the driver, and torchvision as its pair."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import TypedDict

from fourlenses.core.machine.gpus import given_gpu, has_code_for
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.interpreter import SETUP
from fourlenses.doctor.probe import ask, run

_TORCH = """
def answer():
    import warnings
    warnings.simplefilter("ignore")
    import torch
    cuda, gpus = torch.cuda.is_available(), []
    for number in range(torch.cuda.device_count() if cuda else 0):
        try:
            ones = torch.ones(64, 64, device=f"cuda:{number}")
            product = float((ones @ ones).sum())
        except RuntimeError as error:  # too old for this torch, or taken by another process
            product = str(error).strip().splitlines()[0]
        capability = torch.cuda.get_device_capability(number)
        gpus.append([torch.cuda.get_device_name(number), capability, product])
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "available": cuda,
        "builds": torch.cuda.get_arch_list() if cuda else [],
        "gpus": gpus,
        "product": float((torch.ones(64, 64) @ torch.ones(64, 64)).sum()),
    }
"""
_TORCHVISION = """
def answer():
    import torch, torchvision
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    selected = torchvision.ops.nms(boxes, torch.tensor([1.0, 0.5]), 0.5)
    return [torchvision.__version__, selected.tolist()]
"""
_PRODUCT = 64**3  # sum of the product of two 64 x 64 matrices of ones
_REINSTALL = f"remove .venv and {SETUP}"


class _Torch(TypedDict):
    """The answer of _TORCH.

    Attributes:
        version: Of torch.
        cuda: The CUDA it was built for; None for a build for CPUs only.
        available: Whether it can use a GPU.
        builds: Generations of GPUs that it has code for.
        gpus: Name, compute capability and product of the matrices (or why there is none), for each
            GPU.
        product: Of the matrices, on the CPU.
    """

    version: str
    cuda: str | None
    available: bool
    builds: list[str]
    gpus: list[tuple[str, tuple[int, int], float | str]]
    product: float


def check_torch() -> Iterator[CheckResult]:
    answer = ask(_TORCH)
    torch: _Torch | None = None if answer.error else answer.value
    if torch is None:
        remedy = f"{_REINSTALL}; a folder or file named torch on PYTHONPATH hides the real one"
        yield CheckResult("torch", FAIL, answer.error, remedy=remedy)
    else:
        build = f"CUDA {torch['cuda']}" if torch["cuda"] else "CPU only"
        works = torch["product"] == _PRODUCT
        remedy = "" if works else f"its arithmetic is wrong; {SETUP}"
        message = f"{torch['version']}, built for {build}"
        yield CheckResult("torch", OK if works else FAIL, message, remedy=remedy)
    yield _gpu(torch)
    pair = ask(_TORCHVISION)
    if pair.error or pair.value[1] != [0]:
        message = pair.error or "its compiled operators give wrong results"
        remedy = f"torch and torchvision have to be of one release and one CUDA build: {_REINSTALL}"
        yield CheckResult("torchvision", FAIL, message, remedy=remedy)
    else:
        yield CheckResult("torchvision", OK, f"{pair.value[0]}, its compiled operators load")


def _gpu(torch: _Torch | None) -> CheckResult:
    """Return the result on GPUs: what torch can use of what the driver lists.

    Args:
        torch: None if it does not import.
    """
    driver, newest_cuda, names = _driver()
    given = given_gpu(os.environ)
    if given and torch is not None and not torch["available"] and not names:
        message = f"{given}, and torch cannot use it"
        remedy = (
            "see that the node's driver works (nvidia-smi) and that the variable is right; jobs "
            "with device: auto end with an error, device: cpu does without"
        )
        return CheckResult("GPU", FAIL, message, remedy=remedy)
    if not names and driver is None:
        message = "no GPU on this machine; on a login node that is usual"
        return CheckResult("GPU", OK, message)
    if not names:
        message = f"nvidia-smi shows no GPU ({driver}); on a login node that is usual"
        return CheckResult("GPU", WARN, message, remedy="in a job: check that it asked for a GPU")
    gpus = f"{len(names)} x {names[0]}, driver {driver} (up to CUDA {newest_cuda})"
    if torch is None:
        return CheckResult("GPU", WARN, gpus, remedy="torch has to import first")
    if not torch["cuda"]:
        message = f"{gpus}, but torch is built for CPUs only"
        return CheckResult("GPU", FAIL, message, remedy=_REINSTALL)
    if not torch["available"]:
        message = f"{gpus}, but torch (CUDA {torch['cuda']}) cannot use it"
        remedy = (
            "update the driver to one for that CUDA, or install a torch built for the driver's; "
            "see that CUDA_VISIBLE_DEVICES is not empty"
        )
        return CheckResult("GPU", FAIL, message, remedy=remedy)
    if unfit := _unfit(torch):
        remedy = "use other GPUs, or a torch built for these; or set the config key device to cpu"
        return CheckResult("GPU", FAIL, f"{gpus}, but {unfit}", remedy=remedy)
    wrong = [name for name, _, product in torch["gpus"] if product != _PRODUCT]
    if wrong:
        message = f"{gpus}, but {wrong[0]} computes wrong numbers"
        remedy = "leave that GPU out; report it to its administrators"
        return CheckResult("GPU", FAIL, message, remedy=remedy)
    capabilities = sorted({_generation(each) for _, each, _ in torch["gpus"]})
    return CheckResult("GPU", OK, f"{gpus}, {', '.join(capabilities)}, used by torch")


def _unfit(torch: _Torch) -> str:
    """Return which GPU torch cannot compute on and why, "" if it can on all."""
    for name, capability, product in torch["gpus"]:
        if not has_code_for(capability, torch["builds"]):
            built = ", ".join(torch["builds"])
            return f"torch is built for {built}, not for the {name} ({_generation(capability)})"
        if isinstance(product, str):
            return f"the {name} cannot be used ({product})"
    return ""


def _generation(capability: Sequence[int]) -> str:
    return f"sm_{capability[0]}{capability[1]}"


def _driver() -> tuple[str | None, str, list[str]]:
    """Return the driver's version, the newest CUDA it supports, and the names of the GPUs.

    The version is None where there is no nvidia-smi; without GPUs it is what nvidia-smi says.
    """
    if shutil.which("nvidia-smi") is None:
        return None, "", []
    listed = run(["nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader"])
    if listed.code != 0:
        lines = (listed.output + listed.errors).strip().splitlines()
        return listed.reason or (lines[0] if lines else f"exit code {listed.code}"), "", []
    rows = [line.split(", ", 1) for line in listed.output.strip().splitlines() if ", " in line]
    header = re.search(r"CUDA Version: *([\d.]+)", run(["nvidia-smi"]).output)
    version = rows[0][0] if rows else "no GPU listed"
    return version, header[1] if header else "?", [row[1] for row in rows]

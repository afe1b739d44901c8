"""torch, its CUDA build against the driver, and torchvision as its pair."""

import re
import shutil
from collections.abc import Iterator

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
        one = torch.ones(64, 64, device=f"cuda:{number}")
        capability = "sm_%d%d" % torch.cuda.get_device_capability(number)
        gpus.append([torch.cuda.get_device_name(number), capability, float((one @ one).sum())])
    return {"version": torch.__version__, "cuda": torch.version.cuda, "available": cuda, "gpus": gpus,
            "product": float((torch.ones(64, 64) @ torch.ones(64, 64)).sum())}
"""
_TORCHVISION = """
def answer():
    import torch, torchvision
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    return [torchvision.__version__, torchvision.ops.nms(boxes, torch.tensor([1.0, 0.5]), 0.5).tolist()]
"""


def check_torch() -> Iterator[CheckResult]:
    answer = ask(_TORCH)
    if answer.error:
        yield CheckResult(
            "torch",
            FAIL,
            answer.error,
            f"remove .venv and {SETUP}; a folder or file named torch on PYTHONPATH hides the real one",
        )
    else:
        build = f"CUDA {answer.value['cuda']}" if answer.value["cuda"] else "CPU only"
        works = answer.value["product"] == 64**3
        remedy = "" if works else f"its arithmetic is wrong; {SETUP}"
        yield CheckResult(
            "torch", OK if works else FAIL, f"{answer.value['version']}, built for {build}", remedy
        )
    yield _gpu(None if answer.error else answer.value)
    pair = ask(_TORCHVISION)
    if pair.error or pair.value[1] != [0]:
        yield CheckResult(
            "torchvision",
            FAIL,
            pair.error or "its compiled operators give wrong results",
            f"torch and torchvision have to be of one release and one CUDA build: remove .venv and {SETUP}",
        )
    else:
        yield CheckResult("torchvision", OK, f"{pair.value[0]}, its compiled operators load")


def _gpu(torch: dict | None) -> CheckResult:
    """What the driver says beside what torch says. ``torch``: None if it does not import."""
    driver, newest_cuda, names = _driver()
    if not names:
        why = "no GPU on this machine" if driver is None else f"nvidia-smi shows no GPU ({driver})"
        return CheckResult(
            "GPU",
            OK if driver is None else WARN,
            f"{why}; on a login node that is usual",
            "" if driver is None else "in a job: check that it asked for a GPU",
        )
    found = f"{len(names)} x {names[0]}, driver {driver} (up to CUDA {newest_cuda})"
    if torch is None:
        return CheckResult("GPU", WARN, found, "torch has to import first")
    if not torch["cuda"]:
        return CheckResult(
            "GPU", FAIL, f"{found}, but torch is built for CPUs only", f"remove .venv and {SETUP}"
        )
    if not torch["available"]:
        return CheckResult(
            "GPU",
            FAIL,
            f"{found}, but torch (CUDA {torch['cuda']}) cannot use it",
            "update the driver to one for that CUDA, or install a torch built for the driver's; see that CUDA_VISIBLE_DEVICES "
            "is not empty",
        )
    wrong = [name for name, _, product in torch["gpus"] if product != 64**3]
    if wrong:
        return CheckResult(
            "GPU",
            FAIL,
            f"{found}, but {wrong[0]} computes wrong numbers",
            "leave that GPU out; tell its administrators",
        )
    return CheckResult(
        "GPU",
        OK,
        f"{found}, {', '.join(sorted({capability for _, capability, _ in torch['gpus']}))}, used by torch",
    )


def _driver() -> tuple[str | None, str, list[str]]:
    """Driver version, the newest CUDA it can do, and GPU names; None where there is no nvidia-smi."""
    if shutil.which("nvidia-smi") is None:
        return None, "", []
    listed = run(["nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader"])
    if listed.code != 0:
        lines = (listed.output + listed.errors).strip().splitlines()
        return listed.reason or (lines[0] if lines else f"exit code {listed.code}"), "", []
    rows = [line.split(", ", 1) for line in listed.output.strip().splitlines() if ", " in line]
    header = re.search(r"CUDA Version: *([\d.]+)", run(["nvidia-smi"]).output)
    return (
        (rows[0][0] if rows else "no GPU listed"),
        header[1] if header else "?",
        [row[1] for row in rows],
    )

"""Checks of torch with a torch that crashes, and with one that cannot use the GPUs."""

import json
import os
import subprocess
import sys
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, OK
from fourlenses.doctor.torch_and_gpu import check_torch

ROOT = Path(__file__).parents[2]
CRASHING_TORCH = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
TORCH_WITHOUT_GPU = """
__version__ = "9.9"
class cuda:
    is_available = lambda: False
    device_count = lambda: 0
class version:
    cuda = "13.2"
class ones:
    def __init__(self, *_): pass
    def __matmul__(self, _): return self
    def sum(self): return 64**3
"""
CHECK_IN_NEW_PROCESS = """
import sys, json
from dataclasses import asdict
from fourlenses.doctor import examine
from fourlenses.doctor.torch_and_gpu import check_torch
results = [asdict(result) for result in check_torch()]
print(json.dumps([results, sorted(sys.modules)]))
"""


def add_torch(folder: Path, source: str) -> None:
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text(source)


def test_a_broken_torch_is_two_lines_and_not_the_end(tmp_path: Path) -> None:
    """In a process that starts without torch."""
    add_torch(tmp_path, CRASHING_TORCH)
    ran = subprocess.run(
        [sys.executable, "-c", CHECK_IN_NEW_PROCESS],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    results, modules = json.loads(ran.stdout)
    statuses = {result["check"]: result["status"] for result in results}
    assert list(statuses) == ["torch", "GPU", "torchvision"]
    assert (statuses["torch"], statuses["torchvision"]) == (FAIL, FAIL)
    assert results[0]["message"] == "crashed with SIGSEGV"
    assert "PYTHONPATH hides the real one" in results[0]["remedy"]
    assert not {"torch", "numpy", "yaml", "snakemake"} & set(modules)


def test_a_gpu_that_torch_cannot_use(tmp_path: Path, monkeypatch, commands) -> None:
    """A torch for CUDA 13.2 that finds no GPU, where the driver has two and ends at 12.4."""
    add_torch(tmp_path, TORCH_WITHOUT_GPU)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    gpus = 'echo "550.1, A100"; echo "550.1, A100"'
    header = 'echo "Driver Version: 550.1  CUDA Version: 12.4 |"'
    commands("nvidia-smi", f'if [ -n "$1" ]; then {gpus}; else {header}; fi')
    results = {result.check: result for result in check_torch()}
    assert results["torch"].status == OK
    assert results["GPU"].status == FAIL
    gpus = "2 x A100, driver 550.1 (up to CUDA 12.4)"
    assert results["GPU"].message == f"{gpus}, but torch (CUDA 13.2) cannot use it"


OLD_GPU = TORCH_WITHOUT_GPU.replace(
    """    is_available = lambda: False
    device_count = lambda: 0
""",
    """    is_available = lambda: True
    device_count = lambda: 1
    get_arch_list = lambda: ["sm_75", "sm_80"]
    get_device_name = lambda number: "Tesla V100"
    get_device_capability = lambda number: (7, 0)
""",
).replace(
    "    def __init__(self, *_): pass",
    "    def __init__(self, *_, device='cpu'):\n"
    "        if device != 'cpu': raise RuntimeError('CUDA error: no kernel image\\nmore')",
)


def test_a_gpu_that_is_too_old_for_torch(tmp_path: Path, monkeypatch, commands) -> None:
    add_torch(tmp_path, OLD_GPU)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    header = 'echo "Driver Version: 580.1  CUDA Version: 13.2 |"'
    commands("nvidia-smi", f'if [ -n "$1" ]; then echo "580.1, Tesla V100"; else {header}; fi')
    gpu = {result.check: result for result in check_torch()}["GPU"]
    assert gpu.status == FAIL
    assert gpu.message.endswith("torch is built for sm_75, sm_80, not for the Tesla V100 (sm_70)")


def test_a_gpu_that_was_given_but_is_not_there(tmp_path: Path, monkeypatch, commands) -> None:
    add_torch(tmp_path, TORCH_WITHOUT_GPU)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_GPUS", "0")
    gpu = {result.check: result for result in check_torch()}["GPU"]
    assert gpu.status == FAIL
    assert "given a GPU (SLURM_JOB_GPUS is '0'), and torch cannot use it" in gpu.message

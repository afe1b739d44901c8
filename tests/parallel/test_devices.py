"""A GPU that was given and cannot be used is an error with its reason; none is the CPU."""

import os
import subprocess
import sys

import pytest
import torch

from fourlenses.core.errors import UserError
from fourlenses.parallel import devices

PROGRAM = """
from fourlenses.core.cli import run
from fourlenses.parallel.devices import choose_device
run(lambda: print(choose_device("auto")))
"""


def ended(**variables: str) -> subprocess.CompletedProcess:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLURM_", "CUDA_", "HIP_", "ROCR_"))
    }
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment | variables, capture_output=True, text=True
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU that can be used")
def test_a_gpu_that_was_given_and_cannot_be_used_ends_the_program() -> None:
    end = ended(SLURM_JOB_ID="1", SLURM_JOB_GPUS="0", CUDA_VISIBLE_DEVICES="0")
    assert end.returncode == 2
    assert end.stdout == ""
    assert "this job was given a GPU (SLURM_JOB_GPUS is '0'), but torch" in end.stderr
    assert "config key 'device' to cpu" in end.stderr
    assert "Traceback" not in end.stderr


def test_hidden_gpus_are_no_error() -> None:
    end = ended(CUDA_VISIBLE_DEVICES="")
    assert (end.returncode, end.stdout) == (0, "cpu\n"), end.stderr


class Cuda:
    """torch.cuda on a machine with a GPU."""

    def __init__(self, capability: tuple[int, int]) -> None:
        self.capability = capability

    def is_available(self) -> bool:
        return True

    def get_device_name(self, device: torch.device) -> str:
        return "Tesla V100"

    def get_device_capability(self, device: torch.device) -> tuple[int, int]:
        return self.capability

    def get_arch_list(self) -> list[str]:
        return ["sm_75", "sm_80"]


def test_a_gpu_too_old_for_torch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "cuda", Cuda((7, 0)))
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(UserError, match=r"GPU Tesla V100 has compute capability 7\.0, for which"):
        devices.choose_device("auto")


def test_a_gpu_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*shape: int, device: torch.device) -> torch.Tensor:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy\nCUDA kernel errors…")

    monkeypatch.setattr(torch, "cuda", Cuda((8, 0)))
    monkeypatch.setattr(torch, "ones", busy)
    with pytest.raises(UserError, match=r"cannot be used \(CUDA error: all .* are busy\)"):
        devices.check_gpu(torch.device("cuda"))


def test_of_several_processes_each_looks_at_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "cuda", Cuda((7, 0)))
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert devices.choose_device("auto") == torch.device("cuda")  # `joined_processes` checks it


def test_a_driver_too_old_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    version = tmp_path / "version"
    version.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n")
    monkeypatch.setattr(devices, "_DRIVER", version)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    assert "CUDA 13.2; the driver is 535.183.01" in devices._why_not()

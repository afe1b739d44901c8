"""GPUs that a job was given, by the variables of schedulers; and builds that have code for one."""

from pathlib import Path

import pytest

from fourlenses.core.machine.gpus import given_gpu, has_code_for


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0"}, "CUDA_VISIBLE_DEVICES is '0'"),
        ({"CUDA_VISIBLE_DEVICES": "MIG-5c1"}, "CUDA_VISIBLE_DEVICES is 'MIG-5c1'"),
        ({"SLURM_JOB_ID": "1", "SLURM_JOB_GPUS": "3"}, "SLURM_JOB_GPUS is '3'"),
        # the step hides what the job was given: still a GPU that is paid for
        ({"SLURM_JOB_GPUS": "0,1", "CUDA_VISIBLE_DEVICES": ""}, "SLURM_JOB_GPUS is '0,1'"),
        ({"SLURM_JOB_ID": "1", "SLURM_GPUS_ON_NODE": "2"}, "SLURM_GPUS_ON_NODE is '2'"),
        ({"SLURM_JOB_ID": "1", "ROCR_VISIBLE_DEVICES": "0"}, "ROCR_VISIBLE_DEVICES is '0'"),
        ({"HIP_VISIBLE_DEVICES": "1"}, "HIP_VISIBLE_DEVICES is '1'"),
    ],
)
def test_a_job_with_a_gpu(environment: dict[str, str], named: str, tmp_path: Path) -> None:
    assert named in given_gpu(environment, tmp_path)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"CUDA_VISIBLE_DEVICES": ""},
        {"CUDA_VISIBLE_DEVICES": "-1"},
        {"CUDA_VISIBLE_DEVICES": "NoDevFiles"},
        {"SLURM_JOB_ID": "1", "SLURM_GPUS_ON_NODE": "0"},
    ],
)
def test_a_job_without_a_gpu(environment: dict[str, str], tmp_path: Path) -> None:
    assert given_gpu(environment, tmp_path / "none") == ""


def test_a_gpu_of_this_machine_counts_unless_it_is_hidden_or_another_jobs(tmp_path: Path) -> None:
    (tmp_path / "0000:01:00.0").mkdir()
    assert "this machine has a GPU" in given_gpu({}, tmp_path)
    assert given_gpu({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == ""
    assert given_gpu({"SLURM_JOB_ID": "7"}, tmp_path) == ""  # a CPU job on a node that has GPUs


@pytest.mark.parametrize(
    ("capability", "builds", "runs"),
    [
        ((7, 0), ["sm_75", "sm_80"], False),  # a V100 with CUDA 13's torch
        ((6, 0), ["sm_75", "sm_80", "compute_120"], False),  # a P100
        ((7, 5), ["sm_75", "sm_80"], True),
        ((8, 6), ["sm_75", "sm_80"], True),  # of the same generation
        ((8, 0), ["sm_86"], False),  # code is for its minor version or later
        ((10, 3), ["sm_90", "sm_100"], True),
        ((12, 1), ["sm_90", "sm_120"], True),
        ((12, 0), ["sm_80", "sm_90"], False),  # newer than the build
        ((12, 0), ["sm_80", "compute_90"], True),  # which the driver compiles for it
        ((9, 0), ["sm_90a"], True),
        ((10, 0), ["sm_90a", "compute_90a"], False),  # for that one alone
        ((9, 4), ["gfx942"], True),  # AMD
        ((9, 0), [], True),
    ],
)
def test_code_for_a_gpu(capability: tuple[int, int], builds: list[str], runs: bool) -> None:
    assert has_code_for(capability, builds) == runs

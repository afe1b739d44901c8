"""Trial jobs with answers of nodes that lack something."""

import json
from pathlib import Path

import pytest

from fourlenses.doctor.check_result import FAIL, OK, CheckResult
from fourlenses.doctor.compute_node import TOKEN, check_compute_nodes
from fourlenses.doctor.profile import Demand

FINE = {"host": "node1", "python": "3.11", "token": TOKEN, "errors": [], "gpu": None}


@pytest.fixture
def check(commands, tmp_path: Path):
    """A function that returns the result of a job, from a script of srun."""

    def check(srun: str) -> CheckResult:
        commands("srun", f'echo "$@" > {tmp_path}/options; {srun}')
        demand = Demand("pretrain", partition="gpu", gpus=1, gpu_model="a100")
        (result,) = check_compute_nodes([demand], "mine", tmp_path)
        assert result.check == "node of gpu"
        assert not list(tmp_path.glob(".fourlenses-doctor-*"))
        return result

    return check


def print_answer(**changes: object) -> str:
    return f"echo 'fourlenses-node:{json.dumps(FINE | changes)}'"


def test_a_node_that_has_everything(check, tmp_path: Path) -> None:
    assert check(print_answer()).status == OK
    assert "--partition=gpu --account=mine --gpus=a100:1" in (tmp_path / "options").read_text()
    assert check(print_answer(gpu="H100")).message.endswith("torch sees a GPU: H100")


def test_a_node_that_does_not_see_the_files(check) -> None:
    result = check(print_answer(token=None, errors=["No such file: x"]))
    assert (result.status, result.message) == (FAIL, "node1: No such file: x")
    assert "file system that all nodes mount" in result.remedy
    assert check(print_answer(token="other")).message.startswith("node1: sees another file")


def test_a_node_without_a_gpu(check) -> None:
    result = check(print_answer(errors=["torch sees no GPU, though"]))
    assert result.status == FAIL
    assert "nvidia-smi" in result.remedy


def test_a_job_that_slurm_refuses(check) -> None:
    error = "srun: error: Unable to allocate resources: Invalid account"
    result = check(f"echo '{error}' >&2; exit 1")
    assert (result.status, result.message) == (FAIL, error)

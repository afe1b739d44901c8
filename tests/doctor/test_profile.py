"""Checks of a profile against the cluster, and of the profiles of this project."""

from pathlib import Path

import pytest

from fourlenses.doctor import profile
from fourlenses.doctor.check_result import FAIL, OK, CheckResult
from tests.helpers.slurm_commands import add_slurm

ROOT = Path(__file__).parents[2]
PROFILE = """
executor: slurm
default-resources: {slurm_account: mine, slurm_partition: cpu}
set-resources:
  pretrain:
    slurm_partition: $MY_GPUS
    gpu: 4
    gpu_model: a100
    mem_mb: 48000 * attempt
    runtime: 3h
  much_memory: {mem_mb: 9000}
  too_long: {runtime: 90}
  other_gpu: {slurm_partition: gpu, gpu: 3, gpu_model: "'' if 'v100' == 'any' else 'v100'"}
  nowhere: {slurm_partition: gup}
  down: {slurm_partition: long, runtime: 10d}
"""


def check(commands, folder: Path, text: str) -> dict[str, CheckResult]:
    add_slurm(commands)
    (folder / "config.yaml").write_text(text)
    keys, why = profile.read_profile([folder])
    assert not why
    return {result.check: result for result in profile.check_profile("p", keys)}


def with_account(account: str) -> str:
    resources = f"{{slurm_account: {account}, slurm_partition: cpu}}"
    return f"executor: slurm\ndefault-resources: {resources}\n"


def test_a_profile_that_asks_for_more_than_the_cluster_has(
    commands, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("MY_GPUS", "gpu")
    results = check(commands, tmp_path, PROFILE)
    assert {name: result.status for name, result in results.items()} == {
        "profile": OK,
        "account": OK,
        "jobs of (other rules)": OK,
        "jobs of pretrain": OK,
        "jobs of much_memory": FAIL,
        "jobs of too_long": FAIL,
        "jobs of other_gpu": FAIL,
        "jobs of nowhere": FAIL,
        "jobs of down": FAIL,
    }
    messages = {name.removeprefix("jobs of "): result.message for name, result in results.items()}
    asked = "4 GPU a100, 48000 MB, 3 h"
    assert messages["pretrain"] == f"partition gpu has what they ask for: {asked}"
    assert "its limit is 1 h, but runtime is 1.5 h" in messages["too_long"]
    assert "its nodes have 2 GPUs v100" in messages["other_gpu"]
    assert "partition gup is not there; there are: cpu, gpu, long" in messages["nowhere"]


def test_variables_that_are_not_set(commands, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("MY_ACCOUNT", raising=False)
    results = check(commands, tmp_path, with_account("$MY_ACCOUNT"))
    assert results["profile"].status == FAIL
    assert "$MY_ACCOUNT, which is not set" in results["profile"].message


def test_a_folder_without_a_profile(tmp_path: Path) -> None:
    _, why = profile.read_profile([tmp_path / "nowhere"])
    assert why.startswith("no profile.yaml or config.yaml in")


def test_an_account_that_is_not_mine(commands, tmp_path: Path) -> None:
    commands("sacctmgr", "echo testproj; echo other")
    account = check(commands, tmp_path, with_account("mine"))["account"]
    assert account.status == FAIL
    assert "other, testproj" in account.message
    account = check(commands, tmp_path, with_account("Other"))["account"]
    assert account.status == OK  # SLURM's names are in lower case


@pytest.mark.parametrize("names", [["slurm"], ["slurm", "slurm-squeue"]])
@pytest.mark.parametrize("processes", [1, 8])
def test_the_project_s_profiles_ask_for_as_many_gpus_as_a_training_has_processes(
    names, processes, monkeypatch
) -> None:
    variables = {
        "ACCOUNT": "lab",
        "CPU_PARTITION": "cpu",
        "GPU_PARTITION": "gpu",
        "GPU_MODEL": "any",
    }
    for variable, value in variables.items():
        monkeypatch.setenv(f"FOURLENSES_{variable}", value)
    counts = {"PROCESSES": processes, "EVALUATION_PROCESSES": max(1, processes // 2)}
    for variable, count in counts.items():
        monkeypatch.delenv(f"FOURLENSES_{variable}", raising=False)
        if processes > 1:  # without them, those of config.yaml
            monkeypatch.setenv(f"FOURLENSES_{variable}", str(count))
    keys, _ = profile.read_profile([ROOT / "profiles" / name for name in names])
    assert (keys.get("slurm-status-command") == "squeue") == (len(names) == 2)
    assert ("slurm_account" in keys["default-resources"]) == (len(names) == 1)
    demands = {demand.rule: demand for demand in profile.demands(keys)}
    for rule, gpus in zip(("pretrain", "train_evaluate"), counts.values(), strict=True):
        assert (demands[rule].gpus, demands[rule].gpu_model) == (gpus, "")
        assert demands[rule].memory_mb == 24000 * (1 + gpus)
    assert demands["evaluate"].gpus == 1
    assert "$" not in str(keys["set-resources"])

"""`make doctor` beside planted troubles: packages that break, a cluster unlike the profile, file systems that lack something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.core.memory import MemoryLimit
from fourlenses.doctor import cluster, examine, interpreter, limits, profile, storage, storage_trial
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.compute_node import check_compute_nodes
from fourlenses.doctor.probe import ask, run
from fourlenses.doctor.report import as_json, lines
from fourlenses.doctor.torch_and_gpu import check_torch

ROOT = Path(__file__).parents[2]
SINFO = """cpu|1:00:00|(null)|8000|2|up
gpu|4:00:00|gpu:a100:4(S:0-1)|64000+|16|up
gpu|4:00:00|gpu:v100:2|32000|16|up
long|infinite|(null)|8000|2|down"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch):
    """A function that puts a shell script on PATH under a name. Nothing else of a cluster, or of a GPU, is found there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return add


def slurm(commands, sacct: str = "exit 0", job_age: int = 300) -> None:
    for name in cluster.COMMANDS:
        commands(name, "exit 0")
    commands("sinfo", f"if [ \"$1\" = --version ]; then echo slurm 23.11; else echo '{SINFO}'; fi")
    commands("sacct", sacct)
    commands("scontrol", f"echo 'MinJobAge               = {job_age} sec'")


def statuses(findings) -> dict[str, str]:
    return {finding.check: finding.status for finding in findings}


# --- processes of their own
def test_a_crash_a_hang_and_an_error_are_answers() -> None:
    assert ask("def answer(x):\n    return [x, 1]", "a").value == ["a", 1]
    assert (
        ask("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)").error
        == "crashed with SIGSEGV"
    )
    assert ask("import time\ntime.sleep(60)", timeout=0.5).error == "no answer within 0.5 s"
    assert (
        ask("import nonexistent_module").error
        == "ModuleNotFoundError: No module named 'nonexistent_module'"
    )
    # one that answers and then crashes on its way out has answered
    crash = "import atexit, os, signal\natexit.register(lambda: os.kill(os.getpid(), signal.SIGSEGV))\ndef answer():\n    return 7"
    assert ask(crash).value == 7


def test_a_hanging_command_is_ended_with_its_children(tmp_path: Path) -> None:
    ran = run(["sh", "-c", f"(sleep 2; touch {tmp_path}/late) & sleep 60"], timeout=0.5)
    assert (ran.code, ran.reason) == (None, "no answer within 0.5 s")
    assert run(["sh", "-c", "sleep 2.2"]).code == 0
    assert not (tmp_path / "late").exists()
    assert "cannot be started" in run(["no-such-command-here"]).reason


def test_a_broken_torch_is_two_lines_and_not_the_end(tmp_path: Path) -> None:
    """The whole program in its own process: it starts without torch, says that torch crashes, and goes on."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    code = (
        "import sys, json\nfrom dataclasses import asdict\nfrom fourlenses.doctor import examine\n"
        "from fourlenses.doctor.torch_and_gpu import check_torch\nfindings = list(check_torch())\n"
        "print(json.dumps([[asdict(finding) for finding in findings], sorted(sys.modules)]))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    findings, modules = json.loads(ran.stdout)
    assert [
        (finding["check"], finding["status"]) for finding in findings if finding["check"] != "GPU"
    ] == [
        ("torch", FAIL),
        ("torchvision", FAIL),
    ]
    assert findings[0]["found"] == "crashed with SIGSEGV"
    assert "PYTHONPATH hides the real one" in findings[0]["remedy"]
    assert not {"torch", "numpy", "yaml", "snakemake"} & set(modules)


def test_a_gpu_that_torch_cannot_use(tmp_path: Path, monkeypatch, commands) -> None:
    """A torch for CUDA 13.2 that finds no GPU, where the driver has two and ends at 12.4."""
    module = (
        "__version__ = '9.9'\nclass cuda:\n    is_available = lambda: False\n    device_count = lambda: 0\n"
        "class version:\n    cuda = '13.2'\n"
        "class ones:\n    def __init__(self, *_): pass\n    def __matmul__(self, _): return self\n    def sum(self): return 64**3\n"
    )
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    commands(
        "nvidia-smi",
        'if [ -n "$1" ]; then echo "550.1, A100"; echo "550.1, A100"; else echo "Driver Version: 550.1  CUDA Version: 12.4 |"; fi',
    )
    findings = {finding.check: finding for finding in check_torch()}
    assert findings["torch"].status == OK
    assert findings["GPU"].status == FAIL
    assert (
        findings["GPU"].found
        == "2 x A100, driver 550.1 (up to CUDA 12.4), but torch (CUDA 13.2) cannot use it"
    )


def test_packages_beside_the_pins(tmp_path: Path) -> None:
    def pins(text: str) -> CheckResult:
        (tmp_path / "requirements.txt").write_text(text)
        return interpreter._pins(tmp_path / "requirements.txt")

    pytest_line = f"pytest=={pytest.__version__} \\\n    --hash=sha256:00\n"
    assert pins(pytest_line).status == OK
    assert pins(f"pytest==0.1 ; python_version < '3'\n{pytest_line}").status == OK
    assert pins("pytest==0.1\n").status == WARN
    assert "nothing-of-that-name" in pins(pytest_line + "nothing-of-that-name==1.0 \\\n").found
    assert pins("winonly==1 ; sys_platform == 'win32'\n").status == OK


# --- SLURM
def test_no_slurm_is_fine_unless_the_profile_submits(commands) -> None:
    assert [finding.status for finding in cluster.check_cluster(False, None)] == [OK]
    assert [finding.status for finding in cluster.check_cluster(True, None)] == [FAIL]


def test_accounting_decides_the_profile(commands) -> None:
    slurm(commands)
    assert statuses(cluster.check_cluster(True, None)) == {"SLURM": OK, "accounting": OK}
    slurm(commands, sacct="echo Slurm accounting storage is disabled >&2; exit 1")
    findings = {finding.check: finding for finding in cluster.check_cluster(True, None)}
    assert findings["accounting"].status == FAIL
    assert "accounting storage is disabled" in findings["accounting"].found
    assert "profiles/slurm-squeue" in findings["accounting"].remedy
    assert statuses(cluster.check_cluster(True, "squeue")) == {
        "SLURM": OK,
        "accounting": OK,
        "finished jobs": OK,
    }
    slurm(commands, sacct="exit 1", job_age=10)
    assert statuses(cluster.check_cluster(True, "squeue"))["finished jobs"] == FAIL


def test_partitions_are_read_as_sinfo_writes_them(commands) -> None:
    slurm(commands)
    found, why = cluster.partitions()
    assert not why
    assert found["gpu"] == cluster.Partition(240, "gpu:a100:4(S:0-1),gpu:v100:2", 64000, 16, True)
    assert found["long"].limit_minutes is None
    assert [cluster.minutes(limit) for limit in ("2-00:00:00", "30:00", "infinite", "1:30:00")] == [
        2880,
        30,
        None,
        90,
    ]


def check(commands, tmp_path: Path, text: str) -> dict[str, CheckResult]:
    slurm(commands)
    (tmp_path / "config.yaml").write_text(text)
    found, why = profile.read_profile([tmp_path])
    assert not why
    return {finding.check: finding for finding in profile.check_profile("p", found)}


def test_a_profile_beside_the_cluster(commands, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MY_GPUS", "gpu")
    findings = check(
        commands,
        tmp_path,
        """
executor: slurm
default-resources: {slurm_account: mine, slurm_partition: cpu}
set-resources:
  pretrain: {slurm_partition: $MY_GPUS, gpu: 4, gpu_model: a100, mem_mb: 48000 * attempt, runtime: 3h}
  much_memory: {mem_mb: 9000}
  too_long: {runtime: 90}
  other_gpu: {slurm_partition: gpu, gpu: 3, gpu_model: "'' if 'v100' == 'any' else 'v100'"}
  nowhere: {slurm_partition: gup}
  down: {slurm_partition: long, runtime: 10d}
""",
    )
    assert statuses(findings.values()) == {
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
    assert (
        findings["jobs of pretrain"].found
        == "partition gpu has what they ask for: 4 GPU a100, 48000 MB, 3 h"
    )
    assert "its limit is 1 h, but runtime is 1.5 h" in findings["jobs of too_long"].found
    assert "its nodes have 2 GPUs v100" in findings["jobs of other_gpu"].found
    assert (
        "partition gup is not there; there are: cpu, gpu, long" in findings["jobs of nowhere"].found
    )


def test_variables_that_are_not_set(commands, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("MY_ACCOUNT", raising=False)
    findings = check(
        commands,
        tmp_path,
        "executor: slurm\ndefault-resources: {slurm_account: $MY_ACCOUNT, slurm_partition: cpu}\n",
    )
    assert findings["profile"].status == FAIL
    assert "$MY_ACCOUNT, which is not set" in findings["profile"].found
    assert profile.read_profile([tmp_path / "nowhere"])[1].startswith(
        "no profile.yaml or config.yaml in"
    )


def test_an_account_that_is_not_mine(commands, tmp_path: Path) -> None:
    commands("sacctmgr", "echo testproj; echo other")
    findings = check(
        commands,
        tmp_path,
        "executor: slurm\ndefault-resources: {slurm_account: mine, slurm_partition: cpu}\n",
    )
    assert findings["account"].status == FAIL
    assert "other, testproj" in findings["account"].found
    findings = check(
        commands,
        tmp_path,
        "executor: slurm\ndefault-resources: {slurm_account: Other, slurm_partition: cpu}\n",
    )
    assert findings["account"].status == OK  # SLURM's names are in lower case


def test_a_compute_node_that_does_not_see_the_files(commands, tmp_path: Path) -> None:
    demands = [profile.Demand("pretrain", "gpu", 1, "a100", None, None)]
    said = {
        "host": "node1",
        "python": "3.11",
        "token": None,
        "errors": ["No such file: x"],
        "gpu": None,
    }
    commands("srun", f"echo \"$@\" > {tmp_path}/asked; echo 'fourlenses-node:{json.dumps(said)}'")
    (finding,) = check_compute_nodes(demands, "mine", tmp_path)
    assert (finding.check, finding.status, finding.found) == (
        "node of gpu",
        FAIL,
        "node1: No such file: x",
    )
    assert "--partition=gpu --account=mine --gpus=a100:1" in (tmp_path / "asked").read_text()
    commands("srun", f"echo 'fourlenses-node:{json.dumps(said | {'token': 'seen', 'errors': []})}'")
    assert [finding.status for finding in check_compute_nodes(demands, None, tmp_path)] == [OK]
    fine = said | {"token": "seen", "errors": []}
    commands("srun", f"echo 'fourlenses-node:{json.dumps(fine | {'gpu': 'H100'})}'")
    assert next(check_compute_nodes(demands, None, tmp_path)).found.endswith(
        "torch sees a GPU: H100"
    )
    commands(
        "srun",
        f"echo 'fourlenses-node:{json.dumps(fine | {'errors': ['torch sees no GPU, though']})}'",
    )
    assert "nvidia-smi" in next(check_compute_nodes(demands, None, tmp_path)).remedy
    commands(
        "srun", "echo 'srun: error: Unable to allocate resources: Invalid account' >&2; exit 1"
    )
    (finding,) = check_compute_nodes(demands, None, tmp_path)
    assert (finding.status, finding.found) == (
        FAIL,
        "srun: error: Unable to allocate resources: Invalid account",
    )
    assert not list(tmp_path.glob(".fourlenses-doctor-*"))


# --- file systems and limits
def test_a_trial_leaves_nothing_and_finds_what_holds_here(tmp_path: Path) -> None:
    found = storage_trial.trial(str(tmp_path / "not" / "there"))
    assert found["folder"] == str(tmp_path)
    assert found["write_bytes_per_second"] > 0
    assert found["random_reads_per_second"] > 0
    assert found["renames"] is True
    assert found["hard_links"] is True
    assert not list(tmp_path.iterdir())


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    inner = tmp_path / "a b"
    inner.mkdir()
    escaped = str(inner).replace(" ", "\\040")
    mounts.write_text(
        f"1 0 8:1 / / rw - ext4 /dev/x rw\n2 1 0:5 / {escaped} rw,noatime shared:1 - nfs4 server:/x rw\n"
    )
    assert storage_trial.file_system(inner, mounts) == "nfs4"
    assert storage_trial.file_system(tmp_path, mounts) == "ext4"
    assert [
        storage_trial.is_network(kind)
        for kind in ("nfs4", "lustre", "fuse.ceph", "ext4", "xfs", "tmpfs", "fuse.sshfs")
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("changes", "line", "status"),
    [
        ({}, "data/ space", OK),
        ({"free": 100 << 20}, "data/ space", FAIL),
        ({"files_free": 0}, "data/ space", FAIL),
        ({"free": 5 << 30}, "data/ space", WARN),
        ({"random_reads_per_second": 20}, "data/ speed", WARN),
        ({"renames": False}, "data/ files", FAIL),
        ({"hard_links": False}, "data/ files", WARN),
        ({"clock_off_seconds": -120.0}, "data/ files", WARN),
    ],
)
def test_what_a_trial_means(changes: dict, line: str, status: str) -> None:
    found = {
        "folder": "/d",
        "kind": "nfs4",
        "network": True,
        "free": 1 << 40,
        "files_free": 9,
        "write_bytes_per_second": 1e8,
        "random_reads_per_second": 900,
        "renames": True,
        "hard_links": True,
        "locks": True,
        "clock_off_seconds": 0.0,
    }
    findings = statuses(storage.judge("data", found | changes))
    assert findings[line] == status
    assert [findings[other] for other in findings if other != line] == [OK] * (len(findings) - 1)


def test_cores_and_memory() -> None:
    assert [
        limits._threads(*given).status
        for given in ((8, 8, None), (2, 8, "8"), (1, 8, None), (8, 8, "8"))
    ] == [OK, WARN, WARN, OK]
    small, large = MemoryLimit(1 << 20, "of cgroup slurm/job_1"), MemoryLimit(1 << 40, "")
    assert limits._memory(small).status == FAIL
    assert limits._memory(small).found == "1 MiB, of cgroup slurm/job_1"
    assert limits._memory(large).status == OK


# --- the whole
def test_a_check_that_breaks_is_a_line_and_the_others_go_on(monkeypatch, tmp_path: Path) -> None:
    def broken():
        raise RuntimeError("boom")

    for name in ("check_torch", "check_image_libraries", "check_snakemake"):
        monkeypatch.setattr(examine, name, lambda: [])
    monkeypatch.setattr(examine, "check_torch", broken)
    findings = list(examine.examine(ROOT, tmp_path, [], False))
    assert [finding.found for finding in findings if finding.check == "doctor"] == [
        "a check itself failed: RuntimeError: boom"
    ]
    assert {"Python", "SLURM", "data/ space", "memory"} <= set(statuses(findings))


def test_the_report() -> None:
    bad = CheckResult("torch", FAIL, "crashed with SIGSEGV", "run make setup")
    assert lines(bad, False).splitlines() == [
        "fail  torch                   crashed with SIGSEGV",
        " " * 30 + "do: run make setup",
    ]
    assert lines(bad, True).startswith("\033[31m")
    assert json.loads(as_json([bad]))["fit"] is False
    assert json.loads(as_json([CheckResult("a", OK, "b"), CheckResult("c", WARN, "d", "e")])) == {
        "fit": True,
        "findings": [
            {"check": "a", "status": "ok", "found": "b", "remedy": ""},
            {"check": "c", "status": "warn", "found": "d", "remedy": "e"},
        ],
    }


@pytest.mark.parametrize("names", [["slurm"], ["slurm", "slurm-squeue"]])
@pytest.mark.parametrize("processes", [1, 8])
def test_the_project_s_profiles_ask_for_as_many_gpus_as_a_training_has_processes(
    names, processes, monkeypatch
) -> None:
    for variable, value in {
        "ACCOUNT": "lab",
        "CPU_PARTITION": "cpu",
        "GPU_PARTITION": "gpu",
        "GPU_MODEL": "any",
    }.items():
        monkeypatch.setenv(f"FOURLENSES_{variable}", value)
    for name_set, one_each in (
        ("FOURLENSES_PROCESSES", processes),
        ("FOURLENSES_EVALUATION_PROCESSES", processes // 2),
    ):
        monkeypatch.delenv(name_set, raising=False)
        if processes > 1:  # without them, those of config.yaml
            monkeypatch.setenv(name_set, str(one_each))
    found, _ = profile.read_profile([ROOT / "profiles" / name for name in names])
    assert (found.get("slurm-status-command") == "squeue") == (len(names) == 2)
    assert ("slurm_account" in found["default-resources"]) == (len(names) == 1)
    asked = {one.rule: one for one in profile.demands(found)}
    for rule, of_it in (("pretrain", processes), ("train_evaluate", max(1, processes // 2))):
        assert (asked[rule].gpus, asked[rule].memory_mb, asked[rule].gpu_model) == (
            of_it,
            24000 * (1 + of_it),
            "",
        )
    assert asked["evaluate"].gpus == 1
    assert "$" not in str(found["set-resources"])

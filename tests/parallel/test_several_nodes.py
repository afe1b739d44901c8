"""One launcher on each node of a SLURM job, started by srun; and two of them on this machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.parallel import several_nodes
from fourlenses.parallel.launcher import launch
from fourlenses.parallel.several_nodes import FIRST_PORT, PORTS, on_this_node, srun_command

MEETING = ["--nnodes=2", "--nproc-per-node=1", "--master-addr=127.0.0.1"]
PROGRAM = """
import os, signal, sys, time
import torch
import torch.distributed as dist
from pathlib import Path
from fourlenses.core.cli import run
from fourlenses.core.errors import UserError
from fourlenses.parallel.distributed import all_reduce_max, joined_processes, rank, world_size
from fourlenses.parallel.launcher import launch

def main():
    folder, ends = Path(sys.argv[1]), sys.argv[2:]
    launch(2, 2)
    with joined_processes(torch.device("cpu")) as device:
        met = all_reduce_max(rank(), device) == world_size() - 1
        (folder / f"rank{rank()}").write_text(f"{met} {os.environ['GROUP_RANK']}")
        if ends == ["mistake"]:
            raise UserError("all of them say so")
        if ends == ["lost"]:
            if rank() == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            all_reduce_max(0, device)
        if ends == ["notice"]:
            os.kill(os.getppid(), signal.SIGUSR1)
            time.sleep(1)

run(main)
"""


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a SLURM job's script, with a scontrol that knows its first node."""
    put(tmp_path, "srun", "exit 99")
    put(tmp_path, "scontrol", 'echo "NodeName=$3 Arch=x86_64 NodeAddr=10.1.2.3 NodeHostName=$3"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return {**os.environ, "SLURM_JOB_ID": "4711", "SLURMD_NODENAME": "n17"}


def options(command: list[str]) -> dict[str, str]:
    """Those with a value, up to the program's own."""
    own = command[: command.index("--")]
    return dict(option.split("=", 1) for option in own if option.startswith("--"))


def test_srun_starts_one_launcher_on_every_node(job):
    command = srun_command(["pretrain.py", "--seed=0"], job, nodes=3, processes=4)
    assert command[0] == "srun"
    asked = options(command)
    assert (asked["--nodes"], asked["--ntasks"], asked["--ntasks-per-node"]) == ("3", "3", "1")
    assert (asked["--nnodes"], asked["--nproc-per-node"]) == ("3", "4")
    assert command[command.index("--") + 1 :] == ["pretrain.py", "--seed=0"]
    # what would give a step less than the job has on a node
    assert not {"--cpus-per-task", "--gpus", "--gres", "--mem"} & set(asked)


def test_they_meet_at_the_first_node_s_address_and_the_job_s_port(job):
    asked = options(srun_command(["program"], job, nodes=2, processes=1))
    assert asked["--master-addr"] == "10.1.2.3"
    assert asked["--master-port"] == str(FIRST_PORT + 4711)
    other = job | {"SLURM_JOB_ID": str(4712 + 7 * PORTS)}
    assert (
        options(srun_command(["program"], other, nodes=2, processes=1))["--master-port"] == "19712"
    )


def test_a_port_that_is_taken_is_left_out(job):
    with socket.socket() as taken:
        taken.bind(("", FIRST_PORT + 9000))
        taken.listen()
        asked = options(
            srun_command(["program"], job | {"SLURM_JOB_ID": "9000"}, nodes=2, processes=1)
        )
    assert asked["--master-port"] == str(FIRST_PORT + 9001)


@pytest.mark.parametrize("scontrol", ["exit 1", 'echo "NodeName=$3 NodeAddr= State=IDLE"'])
def test_without_an_address_the_node_s_name_has_to_do(job, tmp_path, scontrol):
    put(tmp_path, "scontrol", scontrol)
    assert options(srun_command(["program"], job, nodes=2, processes=1))["--master-addr"] == "n17"


def test_outside_of_a_slurm_job_the_key_is_named(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(UserError, match=r"'training\.nodes' is 2, but this is no job of SLURM"):
        launch(1, 2)


def test_without_srun_the_node_is_named(job):
    with pytest.raises(UserError, match=r"srun, .* is not on PATH of node n17"):
        srun_command(["program"], job | {"PATH": "/nowhere"}, nodes=2, processes=1)


def test_slurm_says_which_node_a_launcher_is_on():
    task = {"SLURM_NODEID": "1"}
    assert on_this_node([*MEETING, "--", "p"], task)["PET_NODE_RANK"] == "1"
    assert on_this_node(["--standalone", "--", "p", "--master-addr=of the program"], task) == {}


def test_messages_leave_by_the_interface_to_the_first_node(monkeypatch):
    task = {"SLURM_NODEID": "0"}
    assert on_this_node(MEETING, task)["GLOO_SOCKET_IFNAME"] == "lo"
    chosen = task | {"GLOO_SOCKET_IFNAME": "ib0"}
    assert "GLOO_SOCKET_IFNAME" not in on_this_node(MEETING, chosen)
    nowhere = ["--master-addr=nosuchnode.invalid"]
    assert on_this_node(nowhere, task) == {"PET_NODE_RANK": "0"}


def start(folder: Path, *ends: str) -> list[subprocess.Popen]:
    """Start two launchers, each of two processes, as srun would start them on two nodes."""
    program = folder / "program.py"
    program.write_text(PROGRAM)
    port = several_nodes._free_port(os.getpid())
    command = [sys.executable, "-m", several_nodes.MODULE, "--nnodes=2", "--nproc-per-node=2"]
    command += ["--master-addr=127.0.0.1", f"--master-port={port}", "--", program, folder, *ends]
    known = {name: value for name, value in os.environ.items() if name != "RANK"}
    return [
        subprocess.Popen(
            [str(part) for part in command],
            env={**known, "SLURM_NODEID": str(node)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for node in range(2)
    ]


def ends_of(launchers: list[subprocess.Popen]) -> list[tuple[int, str]]:
    """Exit code and standard error of each."""
    try:
        said = [launcher.communicate(timeout=200)[1] for launcher in launchers]
    finally:
        for launcher in launchers:
            launcher.kill()
    return [(launcher.returncode, text) for launcher, text in zip(launchers, said, strict=True)]


def test_processes_of_two_launchers_are_one_run_and_a_notice_ends_none(tmp_path):
    ends = ends_of(start(tmp_path, "notice"))
    assert [code for code, _ in ends] == [0, 0], ends
    assert {file.name: file.read_text() for file in tmp_path.glob("rank*")} == {
        "rank0": "True 0",
        "rank1": "True 0",
        "rank2": "True 1",
        "rank3": "True 1",
    }


def test_a_mistake_of_all_ends_every_launcher_with_its_code(tmp_path):
    ends = ends_of(start(tmp_path, "mistake"))
    assert [code for code, _ in ends] == [2, 2], ends


def test_where_one_process_is_killed_the_others_say_so_and_end(tmp_path):
    (first, said), (second, _) = ends_of(start(tmp_path, "lost"))
    assert first == 2
    assert second in (1, 2)  # the killed one's launcher
    assert "cannot reach the others any more" in said
    assert "Run the same command again to continue" in said
    assert "Traceback" not in said

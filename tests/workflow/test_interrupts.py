"""Signals to a head of real jobs, and to one that is killed: what its jobs and the next run do."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fourlenses.core.machine import processes
from fourlenses.workflow import lock_holder

pytestmark = pytest.mark.usefixtures("signals_of_a_terminal")
ROOT = Path(__file__).parents[2]
SNAKEFILE = """
import atexit, logging, os, sys
from pathlib import Path
from snakemake.logging import logger
from fourlenses.slurm import snakemake_internals as internals
from fourlenses.workflow import lock_holder
from fourlenses.workflow.console import Console
from fourlenses.workflow.environment import shell_prefix
from fourlenses.workflow.interrupts import Interrupts
from fourlenses.workflow.work_done import WorkDone

prefix = shell_prefix({}, Path("SOURCES"), Path(sys.executable).parent)
shell.prefix(prefix.replace("{", "{{").replace("}", "}}"))
if workflow.is_main_process:
    def begin():
        lock_holder.write_note(jobs_run_here=True)
        stopping.install(jobs_run_here=True)
    console = Console(
        before_jobs=begin, targets=list, locked=lock_holder.sentence, card=str,
        work=WorkDone(lambda: [], dict),
    )
    stopping = Interrupts(
        shells=internals.shells_of_jobs, finish=console.stopped, say=logger.warning
    )
    if removed := lock_holder.remove_stale():
        logger.warning(removed)
    console.attach(logger)
    atexit.register(lambda: print(console.ending(), file=sys.stderr))
rule all:
    default_target: True
    input: "a.txt", "b.txt"
rule train:
    output: "{name}.txt"
    log: "{name}.log"
    shell: "python train.py {wildcards.name} {output} > {log} 2>&1"
"""
# a training: 100 s of steps, a checkpoint at a signal, and its end in the log
TRAIN = """
import os, sys, time
from pathlib import Path
from fourlenses.core.cli import run
from fourlenses.resume.time_limit import TimeLimit
name, output = sys.argv[1:]
def main():
    with TimeLimit(None) as limit:
        Path(f"{name}.pid").write_text(str(os.getpid()))
        for step in range(2000):
            if Path("quick").exists():
                break
            time.sleep(0.05)
            if limit.due():
                time.sleep(1)
                Path(f"{name}.checkpoint").write_text(str(step))
                raise limit.interrupted(step, 2000, f"{name}.checkpoint")
    Path(output).write_text("done")
run(main)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.replace("SOURCES", str(ROOT / "src")))
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


@pytest.fixture
def start(folder):
    """Start a head in a session of its own, as a terminal or a service manager does."""
    heads = []

    def head(*before: str) -> subprocess.Popen:
        snakemake = str(Path(sys.executable).with_name("snakemake"))
        started = subprocess.Popen(
            [*before, snakemake, "--cores", "2", "--rerun-incomplete"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        heads.append(started)
        return started

    yield head
    for started in heads:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def wait_for(what, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def trainings(folder: Path) -> list[int]:
    """Process ids of both trainings, once they have begun."""
    files = [folder / "a.pid", folder / "b.pid"]
    wait_for(lambda: all(file.exists() and file.read_text() for file in files))
    return [int(file.read_text()) for file in files]


def all_ended(pids: list[int]) -> bool:
    return all(processes.is_dead(pid, None) for pid in pids)


def checkpoints(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.checkpoint"))


def goes_on(folder: Path, start) -> str:
    """What the next run says, in which trainings are quick; it succeeds."""
    (folder / "quick").touch()
    head = start()
    said, _ = head.communicate(timeout=90)
    assert head.returncode == 0, said
    assert (folder / "a.txt").read_text() == (folder / "b.txt").read_text() == "done"
    return said


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
@pytest.mark.parametrize("to", ["head", "group"])
def test_a_stop_takes_checkpoints_and_the_next_run_goes_on(folder, start, name, to):
    head = start()
    pids = trainings(folder)
    (os.kill if to == "head" else os.killpg)(head.pid, getattr(signal, name))
    said, _ = head.communicate(timeout=30)
    assert f"fourlenses: stopped by {name}" in said.splitlines()[-1]
    assert head.returncode != 0
    assert all_ended(pids)
    assert checkpoints(folder) == ["a.checkpoint", "b.checkpoint"]
    log = (folder / "a.log").read_text()
    assert ("SIGTERM" if to == "head" else name) in log, log
    assert not list((folder / ".snakemake/locks").glob("*"))
    goes_on(folder, start)


def test_sigterm_waits_for_the_jobs_and_a_second_one_stops_them(folder, start):
    head = start()
    pids = trainings(folder)
    head.send_signal(signal.SIGTERM)
    time.sleep(3)
    assert head.poll() is None
    assert not all_ended(pids)
    assert checkpoints(folder) == []
    head.send_signal(signal.SIGTERM)
    said, _ = head.communicate(timeout=30)
    assert "waiting for the running jobs" in said
    assert "stopped by SIGTERM" in said.splitlines()[-1]
    assert checkpoints(folder) == ["a.checkpoint", "b.checkpoint"]
    goes_on(folder, start)


def test_a_second_interrupt_ends_at_once(folder, start):
    head = start()
    pids = trainings(folder)
    head.send_signal(signal.SIGINT)
    time.sleep(0.3)  # before any job is asked
    head.send_signal(signal.SIGINT)
    said, _ = head.communicate(timeout=30)
    assert "ended at once" in said.splitlines()[-1]
    wait_for(lambda: all_ended(pids), 5)
    assert checkpoints(folder) == []
    goes_on(folder, start)


def test_jobs_of_a_killed_head_stop_with_a_checkpoint_and_the_next_run_removes_its_lock(
    folder, start
):
    head = start()
    pids = trainings(folder)
    head.kill()
    head.communicate()
    assert list((folder / ".snakemake/locks").glob("*.lock"))
    wait_for(lambda: all_ended(pids), 20)
    assert checkpoints(folder) == ["a.checkpoint", "b.checkpoint"]
    said = goes_on(folder, start)
    assert f"the last run here (process {head.pid}) was killed; its lock is removed" in said


def test_a_second_run_is_refused_with_the_process_that_works_here(folder, start):
    head = start()
    trainings(folder)
    second = start()
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    last = said.splitlines()[-1]
    assert last.startswith("fourlenses: another run works in this folder, process ")
    assert last.endswith(f"wait for it, or stop it with kill -INT {head.pid}")
    head.send_signal(signal.SIGINT)
    head.communicate(timeout=30)
    assert checkpoints(folder) == ["a.checkpoint", "b.checkpoint"]


def test_under_nohup_a_closed_terminal_stops_nothing(folder, start):
    head = start("nohup")
    pids = trainings(folder)
    os.killpg(head.pid, signal.SIGHUP)
    time.sleep(3)
    assert head.poll() is None
    assert not all_ended(pids)
    os.killpg(head.pid, signal.SIGINT)
    head.communicate(timeout=30)


@pytest.fixture
def locks(tmp_path):
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "0.output.lock").write_text("a.txt\n")
    return folder


def note_of(locks: Path, **changes) -> Path:
    lock_holder.write_note(jobs_run_here=True, locks=locks)
    (file,) = locks.glob("holder-*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return file


def test_a_lock_of_an_unknown_living_or_distant_holder_stays(locks):
    assert lock_holder.remove_stale(locks) == ""
    assert "no run is known to hold the lock" in lock_holder.sentence(locks)
    assert "--unlock" in lock_holder.sentence(locks)
    note_of(locks)
    assert lock_holder.remove_stale(locks) == ""
    note_of(locks, machine=["another", "kernel"], host="node7", pid=5)
    assert lock_holder.remove_stale(locks) == ""
    assert "process 5 on node7 since" in lock_holder.sentence(locks)
    assert "--unlock" in lock_holder.sentence(locks)
    assert (locks / "0.output.lock").exists()


def test_a_dead_holders_lock_goes_and_a_newer_one_stays(locks):
    note = note_of(locks, pid_started_ticks=1)  # the id belongs to another process by now
    newer = locks / "1.output.lock"
    newer.write_text("b.txt\n")
    later = note.stat().st_mtime_ns + 10**9
    os.utime(newer, ns=(later, later))
    assert f"process {os.getpid()}" in lock_holder.remove_stale(locks)
    assert [file.name for file in locks.iterdir()] == ["1.output.lock"]


def test_jobs_of_a_scheduler_outlive_their_head_so_its_lock_stays(locks):
    note_of(locks, pid_started_ticks=1, jobs_run_here=False)
    assert lock_holder.remove_stale(locks) == ""
    assert "was killed, and jobs that it submitted may still run" in lock_holder.sentence(locks)
    assert "--unlock" in lock_holder.sentence(locks)


def test_a_note_that_cannot_be_read_decides_nothing(locks):
    (locks / "holder-5.json").write_text("[1")
    assert lock_holder.remove_stale(locks) == ""
    (locks / "holder-5.json").write_text('{"pid": "rm -rf"}')
    assert lock_holder.remove_stale(locks) == ""
    assert (locks / "0.output.lock").exists()

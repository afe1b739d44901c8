"""A training whose time is over asks SLURM to run its job again; no other end does.

Here with several kinds of scontrol, which answer one way or another.
"""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from fourlenses.core.errors import Interrupted, OutOfTime
from fourlenses.core.machine.processes import is_dead
from fourlenses.resume.checkpoint import Checkpoints
from tests.helpers.runs import go, settings

PROGRAM = """
import os, signal, sys
from fourlenses.core.cli import run
from fourlenses.resume import requeue
from fourlenses.resume.time_limit import TimeLimit
import logging

logging.basicConfig(level=logging.INFO, format="%(message)s")
requeue.ANSWER_SECONDS, requeue.END_SECONDS = float(sys.argv[1]), float(sys.argv[2])
wanted, saved, signalled = sys.argv[3:]

def main():
    limit = TimeLimit(1e-6)
    with requeue.requeued_when_out_of_time(wanted == "wanted", limit), limit:
        assert limit.due()
        stop = limit.interrupted(5, 9, "checkpoint.pt", saved=saved == "saved")
        if signalled == "signalled":  # while the checkpoint's directory is let go by
            os.kill(os.getpid(), signal.SIGTERM)
        raise stop

run(main)
"""
NOTED = 'echo "$@" >> "$ASKED"\n'
ACCEPTED = (
    NOTED + "(sleep 1; kill -TERM $PPID) > /dev/null 2>&1 &\n"
)  # as SLURM ends what it requeues


@pytest.fixture
def scontrol(tmp_path):
    """The environment of a job with that scontrol, and the requests it got."""

    def install(script: str | None) -> tuple[dict, object]:
        (tmp_path / "bin").mkdir()
        if script is not None:
            program = tmp_path / "bin/scontrol"
            program.write_text("#!/bin/sh\n" + script)
            program.chmod(0o755)
        asked = tmp_path / "asked"
        path = (
            f"{tmp_path}/bin:{os.environ['PATH']}" if script is not None else str(tmp_path / "bin")
        )
        environment = os.environ | {"PATH": path, "ASKED": str(asked), "SLURM_JOB_ID": "77"}
        return environment, lambda: asked.read_text().splitlines() if asked.exists() else []

    return install


def ended(
    environment, answer_seconds=60, end_seconds=60, wanted="wanted", saved="saved", signalled=""
):
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        str(answer_seconds),
        str(end_seconds),
        wanted,
        saved,
        signalled,
    ]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_accepted_and_ended_by_the_scheduler(scontrol):
    environment, asked = scontrol(ACCEPTED)
    done = ended(environment)
    assert done.returncode == -signal.SIGTERM, done.stderr  # not 75: it was waiting
    where = "stopped at step 5 of 9 before the wall limit of 1e-06 minutes"
    assert (
        done.stderr
        == f"fourlenses: {where}; SLURM requeues job 77, which continues from its checkpoint\n"
    )
    assert asked() == ["requeue 77"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            NOTED + "echo 'Requested operation is presently disabled for job 77' >&2; exit 1",
            "scontrol refused (Requested operation is presently",
        ),
        (NOTED + "exit 3", "scontrol refused (exit code 3)"),
        (None, "scontrol cannot be run here (No such file or directory)"),
        (
            NOTED + "sleep 300 & echo $! > $ASKED.pid; wait",
            "scontrol did not answer within 2 seconds",
        ),
        (NOTED, "SLURM agreed, but did not end it within 2 seconds"),
    ],
    ids=["refused", "refused without a word", "missing", "hanging", "agreed for nothing"],
)
def test_what_is_not_requeued_ends_with_code_75_and_the_reason(scontrol, tmp_path, script, reason):
    environment, asked = scontrol(script)
    done = ended(environment, 2 if "sleep" in str(script) else 60, end_seconds=2)
    assert done.returncode == 75
    assert f"this job is not requeued: {reason}" in done.stderr
    assert done.stderr.splitlines()[-1].endswith(
        "run the same command again to continue from checkpoint.pt"
    )
    assert asked() == ([] if script is None else ["requeue 77"])
    if (tmp_path / "asked.pid").exists():  # nothing of it is left
        pid, deadline = int((tmp_path / "asked.pid").read_text()), time.monotonic() + 10
        while not is_dead(pid, None):  # its signal was sent; it takes a moment to end
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"wanted": ""}, ""),
        ({"signalled": "signalled"}, ""),
        ({"saved": ""}, "not requeued: it saved no checkpoint in this slot"),
    ],
    ids=["not wanted", "a signal came meanwhile", "no checkpoint"],
)
def test_who_does_not_ask(scontrol, changes, expected):
    environment, asked = scontrol(ACCEPTED)
    done = ended(environment, **changes)
    assert done.returncode == 75, done.stderr
    assert expected in done.stderr
    assert bool(expected) == ("not requeued" in done.stderr)
    assert asked() == []


def test_without_a_job_nobody_is_asked(scontrol):
    environment, asked = scontrol(ACCEPTED)
    del environment["SLURM_JOB_ID"]
    done = ended(environment)
    assert done.returncode == 75
    assert "there is no SLURM_JOB_ID" in done.stderr
    assert asked() == []


def test_other_processes_of_a_run_wait_and_do_not_ask(scontrol):
    environment, asked = scontrol(ACCEPTED)
    command = [sys.executable, "-c", PROGRAM, "60", "60", "wanted", "saved", ""]
    process = subprocess.Popen(
        command, env=environment | {"RANK": "1"}, stderr=subprocess.PIPE, text=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)
    process.terminate()  # as the launcher does when the first has ended
    assert process.wait(10) == -signal.SIGTERM
    assert asked() == []


@pytest.mark.parametrize("full", [False, True], ids=["with a checkpoint", "without room for one"])
def test_a_slot_without_progress_is_not_requeued(dataset, scontrol, monkeypatch, full):
    """On a full disk restarts.json cannot be written either: nothing else would end the chain."""
    environment, asked = scontrol(NOTED + "exit 1")
    for name in ("PATH", "ASKED", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, environment[name])

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if full:
        monkeypatch.setattr(Checkpoints, "_write", no_room)
    with pytest.raises(Interrupted) as stop:
        go(dataset, "run", settings(epochs=60), max_minutes=1e-6, requeue=True)
    assert isinstance(stop.value, OutOfTime) == (not full)
    assert asked() == ([] if full else ["requeue 77"])
    # asked when everything had been let go by
    assert not list(dataset.glob("checkpoints/*/lock.json"))

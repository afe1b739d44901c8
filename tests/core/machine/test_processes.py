"""Whether a process is gone for certain."""

import contextlib
import os
import subprocess
import sys
import time

import psutil
import pytest

from fourlenses.core.machine import processes


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def test_a_running_process_is_not_dead(sleeper):
    started = processes.start_ticks(sleeper.pid)
    assert not processes.is_dead(sleeper.pid, started)
    assert not processes.is_dead(sleeper.pid, None)
    assert processes.is_dead(sleeper.pid, started - 1)  # its id was another's


def test_a_process_that_has_ended_is_dead(sleeper):
    started = processes.start_ticks(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert processes.is_dead(sleeper.pid, started)


def test_a_process_that_ends_between_both_looks_is_dead(sleeper, monkeypatch):
    """It is still there when its id is tried, and gone when psutil reads its start."""

    def ends_first(pid):
        sleeper.kill()
        sleeper.wait()
        raise psutil.NoSuchProcess(pid)

    started = processes.start_ticks(sleeper.pid)
    monkeypatch.setattr(processes, "start_ticks", ends_first)
    assert processes.is_dead(sleeper.pid, started)


def test_a_process_that_proc_hides_is_not_dead(sleeper, monkeypatch):
    """With hidepid psutil has no such process, but its id is in use."""

    def hidden(pid):
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(processes, "start_ticks", hidden)
    assert not processes.is_dead(sleeper.pid, 1)


def test_what_is_known_of_processes():
    assert processes.start_ticks() == processes.start_ticks(os.getpid()) == processes.own_start()
    assert not processes.is_dead(os.getpid(), processes.own_start())
    assert not processes.is_dead(1, None)
    assert not processes.is_dead(os.getppid(), None)
    child = subprocess.Popen(["sleep", "1000"])
    started = processes.start_ticks(child.pid)
    assert started >= processes.start_ticks()
    assert not processes.is_dead(child.pid, started)
    child.kill()
    deadline = time.monotonic() + 30
    while not processes.is_dead(child.pid, started):  # as a zombie
        assert time.monotonic() < deadline
    child.wait()
    assert processes.is_dead(child.pid, started)
    with contextlib.suppress(psutil.Error):  # gone, or by now another's
        assert processes.start_ticks(child.pid) != started

"""Whether a process is gone for certain."""

import subprocess
import sys

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

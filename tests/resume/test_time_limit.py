"""Stopping before a wall limit, with an injected clock, and on real signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.machine.processes import seconds_since_start
from fourlenses.resume.time_limit import TimeLimit


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def test_without_a_limit_time_never_ends(clock):
    limit = TimeLimit(None, clock=clock)
    clock.seconds = 1e12
    assert not limit.due()


def test_due_when_another_step_and_a_checkpoint_do_not_fit(clock):
    limit = TimeLimit(10, margin_seconds=30, clock=clock)  # 570 seconds
    clock.seconds = 570
    assert not limit.due()
    clock.seconds = 571
    assert limit.due()
    clock.seconds = 500
    limit.took_step(60)
    assert not limit.due()
    limit.took_save(15)
    assert limit.due()
    assert not limit.due(next_seconds=55)
    assert limit.due(next_seconds=56)
    assert limit.reason == "before the wall limit of 10 minutes"


def test_the_margin_is_at_most_a_tenth_of_the_limit(clock):
    limit = TimeLimit(1, margin_seconds=90, clock=clock)
    clock.seconds = 54
    assert not limit.due()
    clock.seconds = 55
    assert limit.due()


def test_a_slow_first_step_is_forgotten_a_slow_checkpoint_is_not(clock):
    limit = TimeLimit(10, clock=clock)
    limit.took_step(100)
    limit.took_save(20)
    for _ in range(60):
        limit.took_step(1)
        limit.took_save(1)
    assert limit.step_seconds == 1
    assert limit.save_seconds == 20
    limit.took_step(5)
    assert limit.step_seconds == 5


def test_the_sentence_says_where_why_and_how_to_continue():
    stop = TimeLimit(720).interrupted(5, 9, Path("run/step000000005.0123456789abcdef.pt"))
    assert isinstance(stop, Interrupted)
    assert not isinstance(stop, UserError)
    assert str(stop) == (
        "stopped at step 5 of 9 before the wall limit of 720 minutes; "
        "run the same command again to continue from run/step000000005.0123456789abcdef.pt"
    )
    assert str(TimeLimit(0.5).interrupted(5, 9, None)).endswith(
        "before the wall limit of 0.5 minutes; run the same command again to start from the "
        "beginning, as no checkpoint could be saved"
    )


def test_the_clock_starts_with_the_process_not_with_the_import():
    program = (
        "import time; time.sleep(1)\n"
        "from fourlenses.core.machine.processes import seconds_since_start\n"
        "print(seconds_since_start())"
    )
    before = time.monotonic()
    elapsed = float(
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
    )
    if Path("/proc/self/stat").exists():
        assert 1.0 <= elapsed <= time.monotonic() - before + 0.02  # the kernel counts in hundredths
    earlier = seconds_since_start()
    time.sleep(0.05)
    assert seconds_since_start() - earlier > 0.04


def test_handlers_are_given_back(clock):
    def handler(*_):
        pass

    def signalled():
        with TimeLimit(None, clock=clock) as limit:
            assert signal.getsignal(signal.SIGUSR1) == limit._note
            assert not limit.due()
            os.kill(os.getpid(), signal.SIGUSR1)
            assert limit.due()
            raise RuntimeError

    old = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(RuntimeError):
            signalled()
        assert signal.getsignal(signal.SIGUSR1) is handler
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR1, old)


def test_in_another_thread_signals_are_left_alone(clock):
    states = []

    def work():
        with TimeLimit(None, clock=clock) as limit:
            states.extend([signal.getsignal(signal.SIGUSR1), limit.due()])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert states == [signal.SIG_DFL, False]


PROGRAM = """
import sys, time
from fourlenses.core.cli import run
from fourlenses.resume.time_limit import TimeLimit

def main():
    with TimeLimit(float(sys.argv[1]) if sys.argv[1] != "none" else None) as limit:
        print("ready", flush=True)
        for step in range(10**6):
            if limit.due():
                raise limit.interrupted(step, 10**6, "checkpoint.pt")
            time.sleep(0.01)

run(main)
"""


def start(limit):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, limit],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("signals_of_a_terminal")
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGTERM, "after SIGTERM (a time-out, a preemption, scancel or kill)"),
        (signal.SIGUSR1, "after SIGUSR1 (the notice of 'sbatch --signal')"),
        (signal.SIGINT, "after Ctrl-C (SIGINT)"),
        (signal.SIGHUP, "after SIGHUP (its terminal was closed)"),
    ],
)
def test_a_signal_ends_a_run_with_a_sentence_and_exit_code_75(number, reason):
    process = start("none")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 75
    assert message.startswith("fourlenses: stopped at step ")
    assert message.endswith(
        f" of 1000000 {reason}; run the same command again to continue from checkpoint.pt\n"
    )


def test_with_nohup_a_closed_terminal_stops_nothing():
    program = PROGRAM.replace("10**6", "200", 1)  # two seconds, then the end
    process = subprocess.Popen(
        ["nohup", sys.executable, "-c", program, "none"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_second_ctrl_c_ends_at_once():
    program = PROGRAM.replace(
        "if limit.due():", "if False:"
    )  # it never comes to the point where it could stop by itself
    process = subprocess.Popen(
        [sys.executable, "-c", program, "none"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert (process.returncode, message) == (130, "fourlenses: interrupted\n")


def test_the_wall_limit_ends_a_run_with_exit_code_75():
    process = start("0.01")
    _, message = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "before the wall limit of 0.01 minutes" in message


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        ("UserError('put this right')", 2, "fourlenses: put this right\n"),
        ("Interrupted('go on')", 75, "fourlenses: go on\n"),
        ("KeyboardInterrupt", 130, "fourlenses: interrupted\n"),
        ("ZeroDivisionError", 1, None),
    ],
)
def test_every_end_has_its_exit_code(raised, code, message):
    program = (
        "from fourlenses.core.cli import run\n"
        "from fourlenses.core.errors import *\n"
        f"def main(): raise {raised}\n"
        "run(main)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == code
    assert result.stderr == message if message else "Traceback" in result.stderr


SLOW_TO_END = """
import os, signal, sys, time
from fourlenses.core.cli import run
from fourlenses.resume.time_limit import TimeLimit
def main():
    with TimeLimit(None) as limit:
        os.kill(os.getpid(), {number})
        assert limit.due()
        try:
            raise limit.interrupted(1, 2, None)
        finally:
            os.kill(os.getpid(), {number})
    print("not reached")
class Slow:  # what ends after the block: locks, other processes
    def __exit__(self, *_):
        os.kill(os.getpid(), {number})
    def __enter__(self): pass
def outer():
    with Slow():
        main()
run(outer)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_that_comes_again_at_the_end_loses_no_message(number):
    program = SLOW_TO_END.format(number=int(number))
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 75
    assert f"stopped at step 1 of 2 after {number.name}" in result.stderr
    assert result.stdout == ""


def test_other_ends_give_signals_back():
    before = signal.getsignal(signal.SIGTERM)
    with TimeLimit(None):
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.usefixtures("signals_of_a_terminal")
def test_the_first_signal_is_the_reason():
    """Snakemake's head asks every process by SIGTERM after what a terminal sent to all of them."""
    for first in (signal.SIGINT, signal.SIGHUP):
        with TimeLimit(None) as limit:
            os.kill(os.getpid(), first)
            os.kill(os.getpid(), signal.SIGTERM)
            assert limit.signal == first
    with TimeLimit(None):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

"""A program whose Snakemake was killed ends as by SIGTERM; one that has none goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from fourlenses.core.orphan import HEAD, parent_of, shell_of

PROGRAM = """
import sys, time
from fourlenses.core.cli import run
def main():
    print("works", flush=True)
    time.sleep({seconds})
    print("done", flush=True)
run(main)
"""
# a head, whose shell is the program's parent; it says its shell's process id
HEAD_OF = """
import subprocess, sys, time
command = f"trap : TERM; export FOURLENSES_HEAD=$PPID; {sys.executable} -c '$PROGRAM' 2>&1"
shell = subprocess.Popen(["bash", "-c", command])
time.sleep(100)
"""


def test_a_killed_heads_program_gets_sigterm():
    program = PROGRAM.format(seconds=100).replace('"', '\\"').replace("\n", "\\n")
    head = subprocess.Popen(
        [sys.executable, "-c", HEAD_OF.replace("'$PROGRAM'", f"$'{program}'")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert head.stdout.readline() == "works\n"
    head.kill()  # not waited for: it stays a zombie meanwhile
    began = time.monotonic()
    said = head.stdout.read()  # until nobody holds the pipe
    assert time.monotonic() - began < 20
    assert "done" not in said
    assert "Terminated" in said or said == ""
    assert head.wait() == -signal.SIGKILL


@pytest.mark.parametrize("head", ["", "1x", "999999999", "-1"])
def test_a_program_of_no_head_that_is_there_goes_on(head):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(seconds=3)],
        env=os.environ | {HEAD: head},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "works\ndone\n"), done.stderr


def test_parents_and_shells():
    assert parent_of(os.getpid()) == os.getppid()
    assert parent_of(999_999_999) is None
    assert shell_of(os.getppid()) == os.getpid()
    assert shell_of(999_999_999) is None

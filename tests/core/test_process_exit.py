"""Programs end before libraries' destructors run, with their own exit code and all their output."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, os, sys, threading, time
atexit.register(os.abort)  # in place of a library whose destructor aborts
from fourlenses.core.cli import run
from fourlenses.core.errors import Interrupted, UserError
def main():
    {body}
    print("done")
run(main)
"""


def end(body: str) -> subprocess.CompletedProcess:
    program = [sys.executable, "-c", PROGRAM.format(body=body)]
    return subprocess.run(program, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("pass", 0),
        ("raise UserError('a mistake')", 2),
        ("raise Interrupted('stopped')", 75),
        ("raise KeyboardInterrupt", 130),
        ("raise RuntimeError('a defect')", 1),
        ("sys.exit(3)", 3),
        ("sys.exit()", 0),
        ("sys.exit('a reason')", 1),
    ],
)
def test_exit_codes(body, code):
    ended = end(body)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ("done\n" if body == "pass" else "")
    for words in ("a mistake", "stopped", "a defect", "a reason"):
        assert (words in ended.stderr) == (words in body)


def test_threads_and_registrations_come_first():
    late = "atexit.register(print, 'last', flush=True)"
    body = f"{late}; threading.Thread(target=lambda: (time.sleep(0.3), print('thread'))).start()"
    assert end(body).stdout == "done\nthread\nlast\n"


def test_output_that_cannot_be_written_is_no_success():
    program = [sys.executable, "-c", PROGRAM.format(body="pass")]
    with open("/dev/full", "w") as full:
        assert subprocess.run(program, stdout=full, stderr=subprocess.DEVNULL).returncode != 0


def test_a_test_that_calls_run_lives_on():
    from fourlenses.core.cli import run

    run(lambda: None)

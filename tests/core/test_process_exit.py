"""Programs end before libraries' destructors run, with their own exit code and all their output."""

import signal
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


def test_a_reader_that_has_seen_enough_is_no_defect():
    body = "[print('x' * 1000) for _ in range(5000)]"
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout.read(1) == "x"
    program.stdout.close()
    assert program.stderr.read() == ""
    assert program.wait() == 128 + signal.SIGPIPE


def test_a_pipe_of_another_process_that_ended_stays_a_defect():
    body = "reader, writer = os.pipe(); os.close(reader); os.write(writer, b'x')"
    ended = end(body)
    assert ended.returncode == 1
    assert "BrokenPipeError" in ended.stderr


def test_children_and_threads_change_no_exit_code():
    fork = "pid = os.fork(); sys.exit(3) if not pid else print(os.waitpid(pid, 0)[1] >> 8)"
    ended = end(fork)
    assert (ended.returncode, ended.stdout) == (0, "3\ndone\n")
    wait = "threading.Thread(target=time.sleep, args=(100,), daemon=True).start()"
    assert end(wait).returncode == 0
    assert end("threading.Thread(target=lambda: 1 / 0).start()").returncode == 0

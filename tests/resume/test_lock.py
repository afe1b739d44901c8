"""One lock per directory, with real processes that are refused, killed, robbed and raced."""

import errno
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.machine import processes
from fourlenses.resume import lock as lock_module
from fourlenses.resume.lock import TrainingLock

BEAT, PATIENCE = 0.05, 2.0

# prints "holds" once it holds the lock, or the refusal; holds until its standard input is closed
HOLD = f"""
import logging, sys
from fourlenses.core.errors import UserError
from fourlenses.resume.lock import TrainingLock
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
print("ready", flush=True)
sys.stdin.readline()
try:
    with TrainingLock(sys.argv[1], beat_seconds={BEAT}, patience_seconds={PATIENCE}) as lock:
        print("holds", flush=True)
        sys.stdin.read()
        lock.verify()
        print("still held", flush=True)
except UserError as error:
    print(f"refused: {{error}}", flush=True)
"""


@pytest.fixture
def start():
    """Starts holders that wait for a line; ends what is left of them."""
    started = []

    def start(directory, go=True, **environment):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(directory)],
            text=True,
            bufsize=1,
            env={**os.environ, **environment},
            **pipes,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        if go:
            tell(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def tell(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process):
    """What it printed after, and its log."""
    return process.communicate(timeout=60)


def stranger(directory, **changes):
    """The lock file of a node that is not this one."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {
        "token": "t",
        "host": "node7",
        "pid": 4711,
        "pid_started_ticks": 1,
        "machine": ["another", "pid:[1]"],
    }
    content |= {"slurm_job_id": "99", "started": "2026-01-02T03:04:05+00:00", **changes}
    (directory / "lock.json").write_text(json.dumps(content))
    return directory / "lock.json"


def lock_of(directory, patience=PATIENCE):
    return TrainingLock(directory, beat_seconds=BEAT, patience_seconds=patience)


def test_the_file_says_who_and_goes_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1234")
    with lock_of(tmp_path / "deep" / "run") as lock:
        holder = json.loads((tmp_path / "deep" / "run" / "lock.json").read_text())
        assert holder["pid"] == os.getpid()
        assert holder["slurm_job_id"] == "1234"
        assert [file.name for file in lock.directory.iterdir()] == ["lock.json"]
        lock.verify()
    assert list((tmp_path / "deep").iterdir()) == []
    with lock:  # again
        lock.verify()


def test_a_directory_with_something_in_it_stays(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "step.pt").write_text("x")
    with lock_of(tmp_path / "run"):
        pass
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["step.pt"]


def test_a_second_process_is_refused_while_the_first_lives(tmp_path, start):
    first = start(tmp_path, SLURM_JOB_ID="77")
    assert first.stdout.readline() == "holds\n"
    out, log = finish(start(tmp_path))
    assert out.startswith(
        f"refused: {tmp_path} is being trained into by process {first.pid} on host "
    )
    assert "(SLURM job 77) since 20" in out
    assert "cancel it" in out
    assert "watching for up to 2 s whether it is still alive" in log
    assert finish(first)[0] == "still held\n"
    assert not tmp_path.exists()


def test_a_killed_process_is_replaced_at_once(tmp_path, start):
    first = start(tmp_path)
    assert first.stdout.readline() == "holds\n"
    first.kill()  # not waited for: a zombie is as dead
    with TrainingLock(tmp_path, beat_seconds=BEAT, patience_seconds=10**6) as lock:
        lock.verify()
    first.wait()
    assert not tmp_path.exists()


def test_a_process_killed_during_the_watch_is_replaced(tmp_path, start):
    file = stranger(tmp_path)
    sleeper = subprocess.Popen(["sleep", "1000"])
    stranger(
        tmp_path,
        machine=processes.machine(),
        pid=sleeper.pid,
        pid_started_ticks=processes.start_ticks(sleeper.pid),
    )
    threading.Timer(0.5, sleeper.kill).start()
    with TrainingLock(tmp_path, beat_seconds=BEAT, patience_seconds=30):
        assert json.loads(file.read_text())["pid"] == os.getpid()
    sleeper.wait()


def test_a_reused_pid_is_not_the_holder(tmp_path):
    stranger(
        tmp_path,
        machine=processes.machine(),
        pid=os.getpid(),
        pid_started_ticks=processes.start_ticks() - 1,
    )
    with TrainingLock(tmp_path, beat_seconds=BEAT, patience_seconds=10**6) as lock:
        lock.verify()


@pytest.mark.parametrize("shift", [0, -(10**6), 10**6])
def test_a_silent_holder_of_another_node_is_replaced_after_patience_whatever_its_clock(
    tmp_path, caplog, shift
):
    file = stranger(tmp_path)
    os.utime(file, (time.time() + shift, time.time() + shift))
    before = time.monotonic()
    with lock_of(tmp_path, 0.4) as lock:
        assert time.monotonic() - before >= 0.4
        lock.verify()
    since = "since 2026-01-02T03:04:05+00:00, who has shown no sign of life"
    assert f"from process 4711 on host node7 (SLURM job 99) {since}" in caplog.text


@pytest.mark.parametrize("shift", [-(10**6), 10**6])
def test_a_holder_of_another_node_that_beats_is_left_alone_whatever_its_clock(tmp_path, shift):
    file = stranger(tmp_path)
    ended = threading.Event()

    def beat():
        count = 0
        while not ended.wait(BEAT):
            count += 1
            os.utime(file, (time.time(), time.time() + shift + count))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(UserError, match="trained into by process 4711 on host node7"):
            lock_of(tmp_path, 30).__enter__()
    finally:
        ended.set()
        thread.join()
    assert json.loads(file.read_text())["token"] == "t"
    assert [file.name for file in tmp_path.iterdir()] == ["lock.json"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": "x"}'])
def test_an_unreadable_lock_file_is_replaced_after_patience(tmp_path, content):
    (tmp_path / "lock.json").write_text(content)
    with lock_of(tmp_path, 0.2) as lock:
        lock.verify()


def test_a_released_directory_goes_to_the_one_that_waits(tmp_path, start):
    file = stranger(tmp_path)
    second = start(tmp_path)
    file.unlink()
    assert second.stdout.readline() == "holds\n"
    assert finish(second)[0] == "still held\n"


@pytest.mark.parametrize("dead", ["silent", "known to be dead"])
@pytest.mark.parametrize("attempt", range(3))
def test_of_several_that_wait_exactly_one_wins(tmp_path, start, dead, attempt):
    gone = subprocess.Popen(["true"])
    gone.wait()
    stranger(
        tmp_path,
        **({"machine": processes.machine(), "pid": gone.pid} if dead == "known to be dead" else {}),
    )
    waiting = [start(tmp_path, go=False) for _ in range(3)]
    for process in waiting:
        tell(process)
    lines = [process.stdout.readline() for process in waiting]
    assert sorted(line.split()[0] for line in lines) == ["holds", "refused:", "refused:"]
    winner = waiting[next(number for number, line in enumerate(lines) if line == "holds\n")]
    assert all(f"by process {winner.pid} on" in line for line in lines if line != "holds\n")
    assert finish(winner)[0] == "still held\n"


def test_a_living_holder_taken_by_mistake_is_put_back(tmp_path, monkeypatch):
    """A rival replaces the dead holder between our last look and our rename.

    So the rename takes the rival's file.
    """
    file = stranger(tmp_path)
    dead = file.read_bytes()
    rename = os.rename

    def late(source, target):
        stranger(tmp_path, token="rival")
        rename(source, target)

    monkeypatch.setattr(lock_module.os, "rename", late)
    assert lock_of(tmp_path)._displace(dead) is False
    assert json.loads(file.read_text())["token"] == "rival"
    assert [file.name for file in tmp_path.iterdir()] == ["lock.json"]


def test_who_lost_the_lock_learns_to_whom_and_leaves_the_file_alone(tmp_path):
    with lock_of(tmp_path) as lock:
        time.sleep(3 * BEAT)
        file = stranger(tmp_path)
        os.utime(file, (1, 1))
        with pytest.raises(
            UserError,
            match=r"was taken over by process 4711 on host node7 \(SLURM job 99\).*this one stops",
        ):
            lock.verify()
        time.sleep(3 * BEAT)
    assert file.stat().st_mtime == 1  # nor kept alive by the wrong one
    assert json.loads(file.read_text())["token"] == "t"


def test_a_suspended_holder_is_replaced_and_notices(tmp_path, start):
    first = start(tmp_path)
    assert first.stdout.readline() == "holds\n"
    first.send_signal(19)
    second = start(tmp_path)
    assert second.stdout.readline() == "holds\n"
    first.send_signal(18)
    out, _ = finish(first)
    assert out.startswith(f"refused: {tmp_path} was taken over by process {second.pid}")
    assert finish(second)[0] == "still held\n"


def test_a_vanished_directory_ends_neither_thread_nor_process(tmp_path):
    with lock_of(tmp_path / "run") as lock:
        (tmp_path / "run" / "lock.json").unlink()
        (tmp_path / "run").rmdir()
        time.sleep(3 * BEAT)
        assert lock._thread.is_alive()
        with pytest.raises(UserError, match="is gone or cannot be read"):
            lock.verify()
    assert not (tmp_path / "run").exists()


def test_errors_of_the_file_system_do_not_end_the_thread(tmp_path, monkeypatch, caplog):
    with lock_of(tmp_path) as lock:

        def stale(*_):
            raise OSError(116, "Stale file handle")

        with monkeypatch.context() as patch:
            patch.setattr(lock_module.os, "utime", stale)
            time.sleep(5 * BEAT)
        assert lock._thread.is_alive()
        before = lock.file.stat().st_mtime_ns
        deadline = time.monotonic() + 30
        while lock.file.stat().st_mtime_ns == before:  # it beats on
            assert time.monotonic() < deadline
            time.sleep(BEAT)
    assert caplog.text.count("Stale file handle") == 1


def test_released_on_an_exception(tmp_path):
    with pytest.raises(RuntimeError), lock_of(tmp_path / "run"):
        raise RuntimeError
    assert not (tmp_path / "run").exists()


def test_without_hard_links(tmp_path, monkeypatch):
    def unsupported(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(lock_module.os, "link", unsupported)
    with lock_of(tmp_path / "run") as lock:
        lock.verify()
        with pytest.raises(UserError, match="is being trained into"):
            lock_of(tmp_path / "run").__enter__()
        lock.verify()
    stranger(tmp_path / "run")
    with lock_of(tmp_path / "run", 0.2) as lock:
        lock.verify()
    assert not (tmp_path / "run").exists()


def test_a_link_whose_reply_got_lost_counts(tmp_path, monkeypatch):
    link = os.link

    def lost(*names):
        link(*names)
        raise FileExistsError(17, "File exists")

    monkeypatch.setattr(lock_module.os, "link", lost)
    with TrainingLock(tmp_path, beat_seconds=BEAT, patience_seconds=10**6) as lock:
        lock.verify()


def test_a_hanging_file_server_is_no_sign_of_death(tmp_path, monkeypatch):
    """The look that hangs comes back with the old time.

    The holder's refresh, which hangs as well, arrives after it.
    """
    file = stranger(tmp_path)
    monkeypatch.setattr(lock_module, "_HUNG_SECONDS", 0.5)
    waiter, looks = lock_of(tmp_path, 1.0), 0
    read = waiter._read

    def hanging():
        nonlocal looks
        looks += 1
        content = read()
        if looks == 4:
            time.sleep(2)
            threading.Timer(0.3, os.utime, [file]).start()
        return content

    monkeypatch.setattr(waiter, "_read", hanging)
    with pytest.raises(UserError, match="is being trained into"):
        waiter.__enter__()


def test_a_directory_that_cannot_be_written_is_the_users_matter(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"cannot lock .*file.run: Not a directory"):
        lock_of(tmp_path / "file" / "run").__enter__()
    with pytest.raises(UserError, match=r"cannot lock .*file: File exists"):
        lock_of(tmp_path / "file").__enter__()


def test_an_owner_file_is_refreshed_where_times_cannot_be_set(tmp_path, monkeypatch):
    def utime(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with TrainingLock(tmp_path / "run") as lock:
        before = lock.file.read_bytes()
        os.utime(lock.file, (1_000_000_000, 1_000_000_000))
        monkeypatch.setattr(os, "utime", utime)
        lock._renew()
        assert lock.file.stat().st_mtime > 1_600_000_000
        assert lock.file.read_bytes() == before

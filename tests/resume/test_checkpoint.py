"""Checkpoints: a damaged one is never loaded, a good one is never lost, a full disk is survived."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time

import pytest
import torch

from fourlenses.core.errors import UserError
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.lock import TrainingLock
from tests.helpers.small_file_system import on_a_small_file_system


def state(step, numbers=3000):
    return {
        "step": step,
        "weights": torch.full((numbers,), float(step)),
        "history": [{"loss": 0.5, "step": step}],
    }


@pytest.fixture
def checkpoints(tmp_path):
    result = Checkpoints(tmp_path / "run")
    for step in (1, 2, 3):
        assert result.save(step, state(step)) is True
    return result


def steps(checkpoints):
    return sorted(int(file.name[4:13]) for file in checkpoints.directory.iterdir())


def file_of(checkpoints, step):
    (file,) = checkpoints.directory.glob(f"step{step:09d}.*.pt")
    return file


def truncate(file):
    os.truncate(file, file.stat().st_size - 100)


def flip_a_bit(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1  # within the weights: nothing but a checksum would notice
    file.write_bytes(data)


def empty(file):
    os.truncate(file, 0)


def directory_in_its_place(file):
    file.unlink()
    file.mkdir()
    (file / "x").write_text("x")


def another_hash(file):
    file.rename(file.with_name(f"{file.name[:14]}{'0' * 16}.pt"))


def no_checkpoint_at_all(file):
    """Bytes that their checksum promises, but that torch cannot read."""
    file.unlink()
    data = b"not a checkpoint"
    file.with_name(f"{file.name[:14]}{hashlib.sha256(data).hexdigest()[:16]}.pt").write_bytes(data)


DAMAGES = [truncate, flip_a_bit, empty, directory_in_its_place, another_hash, no_checkpoint_at_all]


def test_the_newest_two_are_kept_under_their_checksums(checkpoints):
    assert steps(checkpoints) == [2, 3]
    for file in checkpoints.directory.iterdir():
        match = re.fullmatch(r"step\d{9}\.([0-9a-f]{16})\.pt", file.name)
        assert match[1] == hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    loaded = checkpoints.newest()
    assert loaded["step"] == 3
    assert torch.equal(loaded["weights"], torch.full((3000,), 3.0))
    assert checkpoints.newest_path() == file_of(checkpoints, 3)


def test_none_where_there_is_nothing(tmp_path):
    checkpoints = Checkpoints(tmp_path / "never made")
    assert checkpoints.newest() is None
    assert checkpoints.newest_path() is None
    checkpoints.clear()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_skipped(checkpoints, caplog, damage):
    damage(file_of(checkpoints, 3))
    damaged = file_of(checkpoints, 3).name
    assert checkpoints.newest()["step"] == 2
    assert f"{damaged} cannot be used (" in caplog.text
    if damage is not no_checkpoint_at_all:  # known only by loading it
        assert checkpoints.newest_path() == file_of(checkpoints, 2)
    if damage in (truncate, flip_a_bit, empty, another_hash):
        assert "truncated or changed since" in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_loaded_when_both_are_damaged(checkpoints, caplog, damage):
    for step in (2, 3):
        damage(file_of(checkpoints, step))
    assert checkpoints.newest() is None
    assert len(caplog.records) == 2


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty, another_hash])
@pytest.mark.parametrize("next_step", [3, 4])
def test_a_damaged_checkpoint_does_not_count_as_one_of_the_two(checkpoints, damage, next_step):
    damage(file_of(checkpoints, 3))
    assert checkpoints.newest()["step"] == 2
    checkpoints.save(next_step, state(next_step))
    assert steps(checkpoints) == [2, next_step]
    assert checkpoints.newest()["step"] == next_step


def test_a_later_damaged_checkpoint_is_dropped_after_the_next_is_saved(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (50, 100):
        checkpoints.save(step, state(step))
    truncate(file_of(checkpoints, 100))
    again = Checkpoints(tmp_path)
    assert again.newest()["step"] == 50
    again.save(60, state(60))
    assert steps(again) == [50, 60]


def test_an_equal_state_saved_again_replaces_the_file(checkpoints):
    flip_a_bit(file_of(checkpoints, 3))
    checkpoints.save(3, state(3))
    assert steps(checkpoints) == [2, 3]
    assert checkpoints.newest()["step"] == 3


def test_files_of_others_are_neither_counted_nor_removed(checkpoints):
    others = [
        "notes.txt",
        "step000000009.pt",
        "lock.json",
        ".step.part",
        "step000000009.0123456789abcdef.pt.bak",
    ]
    for name in others:
        (checkpoints.directory / name).write_text("mine")
    checkpoints.save(4, state(4))
    assert checkpoints.newest()["step"] == 4
    checkpoints.clear()
    assert sorted(file.name for file in checkpoints.directory.iterdir()) == sorted(others)


def test_clear_removes_what_a_killed_save_left_and_the_directory(checkpoints):
    leftover = checkpoints.directory / f".step000000004.{'a' * 16}.part"
    leftover.write_bytes(b"half")
    checkpoints.clear()
    assert not checkpoints.directory.exists()


def test_a_save_removes_what_a_killed_save_left(checkpoints):
    leftover = checkpoints.directory / f".step000000004.{'a' * 16}.part"
    leftover.write_bytes(b"half")
    checkpoints.save(4, state(4))
    assert steps(checkpoints) == [3, 4]


def test_the_lock_outlives_clear_and_takes_the_directory_with_it(tmp_path):
    with TrainingLock(tmp_path / "run") as lock:
        checkpoints = Checkpoints(tmp_path / "run")
        checkpoints.save(1, state(1))
        checkpoints.clear()
        lock.verify()
        assert [file.name for file in (tmp_path / "run").iterdir()] == ["lock.json"]
    assert not (tmp_path / "run").exists()


def test_killed_at_any_moment_the_newest_is_good(tmp_path):
    program = (
        "import sys, torch\n"
        "from fourlenses.resume.checkpoint import Checkpoints\n"
        "checkpoints = Checkpoints(sys.argv[1])\n"
        "for step in range(1, 10**6):\n"
        "    weights = torch.full((300_000,), float(step))\n"
        "    checkpoints.save(step, {'step': step, 'weights': weights})\n"
    )
    highest = 0
    for attempt in range(3):
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / str(attempt))])
        checkpoints = Checkpoints(tmp_path / str(attempt))
        deadline = time.monotonic() + 120
        # killed after the first, second and third at the earliest, however busy the machine is
        while (newest := checkpoints.newest_path()) is None or int(newest.name[4:13]) <= attempt:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.013 * attempt)
        process.kill()
        process.wait()
        loaded = checkpoints.newest()
        assert torch.equal(loaded["weights"], torch.full((300_000,), float(loaded["step"])))
        highest = max(highest, loaded["step"])
        checkpoints.clear()
        assert not checkpoints.directory.exists()
    assert highest > 1


# --- a disk without room. The large state does not fit, the small ones do.
PROGRAM = """
import json, logging, resource, sys, torch
from fourlenses.resume.checkpoint import Checkpoints
logging.basicConfig(format="%(message)s")
checkpoints = Checkpoints(sys.argv[1])
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
small, large = torch.zeros(5000), torch.zeros(250_000)
saved = [checkpoints.save(step, {"step": step, "weights": small}) for step in (1, 2)]
saved += [checkpoints.save(step, {"step": step, "weights": large}) for step in (3, 4)]
names = sorted(file.name[:13] for file in checkpoints.directory.iterdir())
newest = checkpoints.newest()["step"]
saved.append(checkpoints.save(5, {"step": 5, "weights": small}))
last = checkpoints.newest()["step"]
print(json.dumps({"saved": saved, "names": names, "newest": newest, "at last": last}))
"""


def check_a_full_disk(command, directory, reason):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    steps_seen = json.loads(result.stdout)
    assert steps_seen == {
        "saved": [True, True, False, False, True],
        "names": ["step000000001", "step000000002"],  # and no temporary
        "newest": 2,
        "at last": 5,
    }
    warnings = [line for line in result.stderr.splitlines() if "no checkpoint of step" in line]
    assert len(warnings) == 2
    assert all(f"could be saved in {directory} ({reason})" in line for line in warnings)


def test_a_full_disk_costs_the_checkpoint_and_nothing_else(tmp_path):
    room = tmp_path / "full"
    small = on_a_small_file_system(room)
    check_a_full_disk(
        [*small, sys.executable, "-c", PROGRAM, str(room / "run"), "none"],
        room / "run",
        "No space left on device",
    )


def test_a_file_size_limit_costs_the_checkpoint_and_nothing_else(tmp_path):
    check_a_full_disk(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run"), "limit"],
        tmp_path / "run",
        "File too large",
    )


def test_a_directory_that_cannot_be_made_costs_the_checkpoint(tmp_path, caplog):
    (tmp_path / "file").write_text("x")
    assert Checkpoints(tmp_path / "file" / "run").save(1, state(1)) is False
    assert "no checkpoint of step 1 could be saved in" in caplog.text


def test_other_errors_are_not_swallowed(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    # as the versions of Python say it
    with pytest.raises(Exception, match=r"pickle|local object"):
        checkpoints.save(1, {"function": lambda: None})
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_sees_a_checkpoint_late_waits_for_it(tmp_path):
    there, late = Checkpoints(tmp_path / "there"), Checkpoints(tmp_path / "late")
    assert there.save(7, {"step": 7})
    later = threading.Timer(1.0, lambda: (tmp_path / "there").rename(tmp_path / "late"))
    later.start()
    assert late.await_step(7) == {"step": 7}
    with pytest.raises(UserError, match=r"checkpoint of step 8, which cannot .* all nodes share"):
        late.await_step(8, seconds=0.1)

"""Copies of betons on a node's disk.

They are made once for several jobs, verified, removed by the last job, and not made where there is
no room.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.beton import staging
from fourlenses.data.beton.staging import staged
from fourlenses.training import pretrain as pretraining
from tests.helpers.runs import data, go, same, settings

JOB = """
import logging, sys
from pathlib import Path
from fourlenses.data.beton import staging
logging.basicConfig(level=logging.INFO, format="%(message)s")
staging._KEPT_FREE = 0
with staging.staged([Path(sys.argv[1])], sys.argv[2]) as (file,):
    print(file, flush=True)
    sys.stdin.read(1)
    assert file.read_bytes() == Path(sys.argv[1]).read_bytes()
"""


@pytest.fixture
def beton(dataset, monkeypatch) -> Path:
    monkeypatch.setattr(staging, "_KEPT_FREE", 0)
    return dataset / "clean.beton"


@pytest.fixture
def disk(tmp_path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def job(beton: Path, disk: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", JOB, beton, disk],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen) -> str:
    """Let it end; what it logged."""
    _, log = process.communicate("x", timeout=60)
    assert process.returncode == 0, log
    return log


def left(disk: Path) -> list[Path]:
    return list(disk.glob("*/*"))


def test_a_copy_is_read_and_then_removed(beton, disk, monkeypatch):
    monkeypatch.setenv("NODE_DISK", str(disk))
    with staged([beton, beton], "$NODE_DISK") as copies:
        assert copies[0] == copies[1]
        assert disk in copies[0].parents
        assert copies[0].read_bytes() == beton.read_bytes()
        assert (disk / f"fourlenses-{os.getuid()}").stat().st_mode & 0o777 == 0o700
    assert left(disk) == []
    assert beton.exists()


def test_jobs_of_a_node_share_a_copy_and_the_last_removes_it(beton, disk):
    jobs = [job(beton, disk) for _ in range(4)]  # all at once: one copies, the others wait for it
    files = {process.stdout.readline() for process in jobs}
    (file,) = (Path(line.strip()) for line in files)
    made = file.stat().st_ino
    logs = [end(process) for process in jobs[:3]]
    assert file.stat().st_ino == made
    logs.append(end(jobs[3]))
    assert left(disk) == []
    assert sum("copying" in log for log in logs) == 1


def test_what_a_killed_job_left_is_removed_by_the_next(beton, disk, tmp_path):
    other = tmp_path / "other.beton"
    shutil.copy(beton, other)
    shutil.copy(beton.with_suffix(".json"), other.with_suffix(".json"))
    killed = job(other, disk)
    file = Path(killed.stdout.readline().strip())
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert file.exists()
    with staged([beton], str(disk)) as (copy,):
        assert not file.exists()
        assert copy.exists()
    assert left(disk) == []


def test_a_killed_copier_s_half_is_made_anew(beton, disk):
    with staged([beton], str(disk)) as (copy,):
        place, lock = copy.parent, copy.parent.with_name(copy.parent.name + ".lock")
    place.mkdir()
    (place / ".clean.beton.abc.part").write_bytes(b"half")
    lock.touch()
    with staged([beton], str(disk)) as (copy,):
        assert [file.name for file in place.iterdir()] == [beton.name]
        assert copy.read_bytes() == beton.read_bytes()


def test_a_damaged_beton_is_found_out(beton, disk):
    whole = beton.read_bytes()
    middle = len(whole) // 2 - 5
    beton.write_bytes(
        whole[:middle] + bytes(b ^ 1 for b in whole[middle : middle + 4]) + whole[middle + 4 :]
    )
    with (
        pytest.raises(UserError, match=r"the content of .*clean.beton.* Delete it and its .json"),
        staged([beton], str(disk)),
    ):
        pass
    assert left(disk) == []


@pytest.mark.parametrize("why", ["variable", "no folder", "no room", "another's folder"])
def test_where_no_copy_can_be_had_the_beton_itself_is_read(beton, disk, monkeypatch, caplog, why):
    folder, said = {
        "variable": ("$NOT_SET_ANYWHERE", "its variable is not set in this job"),
        "no folder": (str(disk / "missing"), "No such file or directory"),
        "no room": (str(disk), "are left free, but there are only"),
        "another's folder": (str(disk), "is not a folder that this user alone can write to"),
    }[why]
    if why == "no room":
        monkeypatch.setattr(staging, "_KEPT_FREE", 1 << 60)
    if why == "another's folder":
        (disk / f"fourlenses-{os.getuid()}").mkdir()
        (disk / f"fourlenses-{os.getuid()}").chmod(0o777)
    with staged([beton], folder) as files:
        assert files == [beton]
    assert f"{beton} is read where it is, not from a copy in {folder}" in caplog.text
    assert said in caplog.text
    assert left(disk) == []


def test_a_disk_that_fills_up_meanwhile_is_done_without(beton, disk, monkeypatch, caplog):
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        monkeypatch.setattr(staging, "_KEPT_FREE", -(1 << 60))  # it looks as if there were room
        with staged([beton], str(disk)) as files:
            assert files == [beton]
        assert "the room that there was is gone" in caplog.text
        assert left(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("kind", ["resident", "streaming"])
def test_a_run_reads_its_copy_and_has_the_same_weights(dataset, disk, monkeypatch, kind):
    monkeypatch.setattr(staging, "_KEPT_FREE", 0)
    expected, plain = go(dataset, "plain", settings(), input=kind)
    seen, choose = [], pretraining.choose_input

    def choose_input(setting, parts, **rest):
        seen.extend(beton for beton, _, _ in parts)
        return choose(setting, parts, **rest)

    monkeypatch.setattr(pretraining, "choose_input", choose_input)
    encoder, record = go(dataset, "staged", settings(), input=kind, stage_to=str(disk))
    assert [disk in beton.parents for beton in seen] == [True]
    assert same(encoder, expected)
    assert record["datasets"] == plain["datasets"] == data(dataset).fingerprints()
    assert left(disk) == []
    assert (
        json.loads((dataset / "clean.json").read_text())["content_sha256"]
        == record["datasets"][0]["beton_sha256"]
    )

"""The result cache: a set of results comes back whole or not at all.

Never where other results would be made now.
"""

import errno
import logging
import os
import shutil
import time
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fourlenses.resume import result_cache as finished
from fourlenses.resume.lock import LockLost
from fourlenses.resume.result_cache import FOLDER, SEAL, ResultCache
from tests.helpers.runs import read_folder

CPU = torch.device("cpu")
CONTENT = {"weights.bin": bytes(range(256)) * 4, "record.json": b'{"a": 1}\n'}
MADE_FROM = {"beton": "0123"}


def made(folder: Path, made_from: dict = MADE_FROM) -> ResultCache:
    outputs = {name: folder / "out" / name for name in CONTENT}
    return ResultCache(folder / "key", outputs, device=CPU, made_from=made_from)


def write(folder: Path) -> None:
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def cached(tmp_path) -> Path:
    """A folder in which a set was kept, and whose outputs were removed since."""
    made(tmp_path).keep(write)
    assert read_folder(tmp_path / "out") == CONTENT
    shutil.rmtree(tmp_path / "out")
    return tmp_path


def test_outputs_come_back_as_links_that_are_as_new_as_their_making(cached, caplog):
    for name in CONTENT:
        os.utime(cached / "key" / FOLDER / name, (1, 1))
    caplog.set_level(logging.INFO)
    assert made(cached).put_back()
    assert read_folder(cached / "out") == CONTENT  # and no temporary file
    assert f"were kept in {cached}/key/{FOLDER} and are put into place" in caplog.text
    for name in CONTENT:
        output = (cached / "out" / name).stat()
        assert output.st_ino == (cached / "key" / FOLDER / name).stat().st_ino
        assert time.time() - output.st_mtime < 60
    assert made(cached).put_back()  # over themselves
    assert read_folder(cached / "out") == CONTENT


@given(data=st.data())
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_damaged_what_comes_back_is_what_was_made(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    made(folder).keep(write)
    shutil.rmtree(folder / "out")
    file = folder / "key" / FOLDER / data.draw(st.sampled_from([*CONTENT, SEAL]))
    content = bytearray(file.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "remove", "empty"])):
        case "flip":
            content[position] ^= 1 << data.draw(st.integers(0, 7))
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[:position])
        case "remove":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
    before = read_folder(folder / "key" / FOLDER)
    if made(folder).put_back():  # a bit of the seal that says nothing of the files
        assert read_folder(folder / "out") == CONTENT
    else:
        assert read_folder(folder / "out") == {}
        after = read_folder(folder / "key" / FOLDER)
        # with a bit flipped, the seal may seem to say that it was made from something else; other
        # damage is cleared away
        assert after == {} or (file.name == SEAL and after == before)


@pytest.mark.parametrize("name", CONTENT)
def test_a_damaged_set_is_skipped_with_a_warning_and_removed(cached, caplog, name):
    file = cached / "key" / FOLDER / name
    file.write_bytes(file.read_bytes()[:-1])
    assert not made(cached).put_back(owned=False)
    assert file.exists()  # another's
    assert not made(cached).put_back()
    assert f"{name} has SHA-256" in caplog.text
    assert not (cached / "key" / FOLDER).exists()
    made(cached).keep(write)
    assert made(cached).put_back()


def test_a_set_without_its_seal_was_begun_by_a_killed_process(cached):
    (cached / "key" / FOLDER / SEAL).unlink()
    assert not made(cached).put_back()
    assert not (cached / "key" / FOLDER).exists()
    (cached / "out").mkdir()
    (cached / "out" / ".weights.bin.part").write_bytes(b"left by a killed process")
    made(cached).keep(write)
    assert read_folder(cached / "out") == CONTENT


def test_nothing_half_written_stays_where_writing_fails(tmp_path):
    def fails(folder: Path) -> None:
        write(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "weights.bin")

    with pytest.raises(OSError, match="No space left"):
        made(tmp_path).keep(fails)
    assert not (tmp_path / "key" / FOLDER).exists()
    assert not (tmp_path / "out").exists()


def test_a_set_that_cannot_be_read_is_not_taken_for_damaged(cached, monkeypatch):
    def broken(file):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))

    monkeypatch.setattr(finished, "sha256", broken)
    with pytest.raises(OSError, match="Input/output error"):
        made(cached).put_back()
    monkeypatch.undo()
    assert made(cached).put_back()


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EOPNOTSUPP, errno.EMLINK])
def test_where_links_are_refused_outputs_are_copies(tmp_path, monkeypatch, number):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    made(tmp_path).keep(write)
    assert read_folder(tmp_path / "out") == CONTENT
    output = tmp_path / "out" / "weights.bin"
    assert output.stat().st_nlink == 1
    assert (
        output.stat().st_mode & 0o777
        == (tmp_path / "key" / FOLDER / "weights.bin").stat().st_mode & 0o777
    )
    shutil.rmtree(tmp_path / "out")
    assert made(tmp_path).put_back()
    assert read_folder(tmp_path / "out") == CONTENT


def test_what_was_made_from_something_else_stays_until_it_is_replaced(cached, caplog):
    other = {"beton": "4567"}
    assert not made(cached, other).put_back()
    assert f"made with another beton ({SEAL} has the former)" in caplog.text
    assert made(cached).put_back()
    made(cached, other).keep(write)
    assert made(cached, other).put_back()
    assert not made(cached).put_back()


def test_nothing_is_put_back_for_images_without_a_hash(tmp_path):
    made(tmp_path, {"beton": None}).keep(write)
    shutil.rmtree(tmp_path / "out")
    assert not made(tmp_path, {"beton": None}).put_back()


def test_who_lost_the_directory_to_one_that_finished_ends_quietly(cached, caplog):
    with made(cached).by_another():
        raise LockLost("it was taken over by process 7")
    assert "taken over by process 7. It has finished" in caplog.text
    assert read_folder(cached / "out") == CONTENT
    shutil.rmtree(cached / "key")
    with pytest.raises(LockLost), made(cached).by_another():
        raise LockLost("it was taken over by process 7")

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from fourlenses.core.files import atomic, read_json, renew_time, write_json


def test_a_file_is_whole_or_absent(tmp_path):
    target = tmp_path / "deep" / "x.json"
    write_json(target, {"b": 1, "a": [1.5]})
    assert read_json(target) == {"a": [1.5], "b": 1}

    def fail_half_way():
        with atomic(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert read_json(target) == {"a": [1.5], "b": 1}
    assert list(target.parent.iterdir()) == [target]


def test_numbers_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_nothing_that_looks_finished(tmp_path):
    code = """
import sys, time
from fourlenses.core.files import atomic
with atomic(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "x.beton")], stdout=subprocess.PIPE
    )
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.05)
    assert not (tmp_path / "x.beton").exists()


def unwilling(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_file_system_without_permissions_and_times(tmp_path, monkeypatch):
    """A mounted bucket or a Windows share: the file is put in place, its mode is left."""
    for name in ("chmod", "utime", "fchmod"):
        monkeypatch.setattr(os, name, unwilling)
    write_json(tmp_path / "x.json", {"a": 1})
    renew_time(tmp_path / "x.json")
    assert read_json(tmp_path / "x.json") == {"a": 1}


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_without_sync(number, tmp_path, monkeypatch):
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    write_json(tmp_path / "x.json", {"a": 1})
    assert read_json(tmp_path / "x.json") == {"a": 1}


def test_a_sync_that_fails_is_no_success(tmp_path, monkeypatch):
    def fsync(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        write_json(tmp_path / "x.json", {"a": 1})
    assert list(tmp_path.iterdir()) == []

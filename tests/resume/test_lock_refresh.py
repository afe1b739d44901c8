"""The lock's file on a file system where times cannot be set."""

import errno
import os

from fourlenses.resume.lock import TrainingLock


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

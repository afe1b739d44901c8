"""What has come of a download: ``<name>.part``, and ``<name>.part.json`` that says of which version of which file these bytes are.

Every byte is on disk before it counts, so a process may be killed at any moment and the next one goes on from the file's length.
"""

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, write_json
from fourlenses.core.progress import progress_bar
from fourlenses.core.units import format_bytes
from fourlenses.data.download.registry import Remote

CHUNK = 1 << 20


class PartFile:
    """The unfinished file, locked for this process. size: bytes it has. total: bytes it will have, None where no server has said.

    validator: what `If-Range` asks by (a strong ETag or a date), None where the server gave neither. mixed: whether its bytes come from
    more than one answer of the server. Use as a context manager; leaving it keeps what there is.
    """

    def __init__(self, target: Path, remote: Remote) -> None:
        self.target, self.remote = target, remote
        self.path = target.with_name(target.name + ".part")
        self.notes = target.with_name(target.name + ".part.json")
        self.size, self.total, self.validator, self.mixed, self.whole = 0, None, None, False, False

    def __enter__(self) -> "PartFile":
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        self.bar = progress_bar(self.target.name, "B")
        try:
            self._take_over()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.bar.close()
        if not self.size and self.path.exists():
            self.discard()
        self.file.close()

    def _open(self) -> None:
        """Open the file and lock it. It may have been given its name, or removed, by another process between the two."""
        while True:
            # unbuffered: what `write` has taken is what the next process finds
            self.file = os.fdopen(
                os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0
            )
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.file.close()
                raise UserError(
                    f"another process is downloading {self.target}; wait for it, or stop it and run this again"
                ) from None
            except OSError:
                pass  # a file system without locks
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self.file.fileno()), os.stat(self.path)):
                    return
            self.file.close()

    def _take_over(self) -> None:
        """Go on from what an earlier process left, if it is of the same file; hash it, as the rest will be hashed when it comes."""
        notes = {}
        with contextlib.suppress(OSError, ValueError):
            notes = read_json(self.notes)
        if notes.get("url") != self.remote.url or notes.get("digest") != self.remote.digest:
            self.restart()
            return
        self.digest = hashlib.new(self.remote.algorithm, usedforsecurity=False)
        while data := self.file.read(CHUNK):
            self.digest.update(data)
            self.size += len(data)
        self.total, self.validator, self.mixed = notes["total"], notes["validator"], self.size > 0
        self.whole = self.size == self.total
        if self.total is not None and self.size > self.total:
            self.restart()
        self._show()

    def begin(self, total: int | None, validator: str | None) -> None:
        """A first answer: note which version its bytes will be of, before there are any."""
        self.total, self.validator = total, validator
        write_json(
            self.notes,
            {
                "url": self.remote.url,
                "digest": self.remote.digest,
                "total": total,
                "validator": validator,
            },
        )
        self._show()

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                written = self.file.write(rest)
            except OSError as error:
                raise UserError(
                    f"{self.path}: {error.strerror}, after {format_bytes(self.size)} of {format_bytes(self.total)} of {self.remote.url}; "
                    "put that right (make room, or raise the quota or limit), then run it again: it goes on from there"
                ) from error
            self.digest.update(rest[:written])
            self.size += written
            self.bar.update(written)
            rest = rest[written:]

    def restart(self) -> None:
        """Drop the bytes: they are of another version, or wrong."""
        self.file.seek(0)
        self.file.truncate()
        self.digest = hashlib.new(self.remote.algorithm, usedforsecurity=False)
        self.size, self.total, self.validator, self.mixed, self.whole = 0, None, None, False, False
        self._show()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name, never over one that came there meanwhile."""
        os.fsync(self.file.fileno())
        if self.target.exists():
            raise UserError(
                f"{self.target} appeared while it was downloaded; take it or {self.path} away"
            )
        os.replace(self.path, self.target)
        self.notes.unlink(missing_ok=True)

    def _show(self) -> None:
        self.bar.total, self.bar.n = self.total, self.size
        self.bar.last_print_n = self.size
        self.bar.refresh()


def digest_of(path: Path, algorithm: str) -> str:
    """The checksum of a file, with a bar of the bytes read."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with (
        open(path, "rb") as file,
        progress_bar(f"checking {path.name}", "B", path.stat().st_size) as bar,
    ):
        while data := file.read(CHUNK):
            digest.update(data)
            bar.update(len(data))
    return digest.hexdigest()

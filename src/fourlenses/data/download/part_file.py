"""A partial download: its bytes (``<name>.part``), and their URL, digest and version
(``<name>.part.json``).

Every byte is on disk before it counts, so a process may be killed at any moment, and the next one
continues from the file's length.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

from fourlenses.core.errors import UserError
from fourlenses.core.file_locks import EXCLUSIVE, open_locked
from fourlenses.core.files import read_json, sync, write_json
from fourlenses.core.progress import progress_bar
from fourlenses.core.units import format_bytes
from fourlenses.data.download.registry import Remote

CHUNK = 1 << 20


class PartFile:
    """The unfinished file, locked for this process. A context manager; leaving it keeps the bytes.

    Attributes:
        size: Bytes received so far.
        total: Bytes of the whole file, None where no server has announced them.
        validator: For `If-Range`: a strong ETag or a date; None where the server gave neither.
        mixed: Whether the bytes come from more than one answer of the server.
        whole: Whether all bytes are there.
    """

    def __init__(self, target: Path, remote: Remote) -> None:
        self.target, self.remote = target, remote
        self.path = target.with_name(target.name + ".part")
        self.notes = target.with_name(target.name + ".part.json")
        self.bar = progress_bar(target.name, "B", shown=False)
        self._forget()

    def _forget(self) -> None:
        self.size = 0
        self.total: int | None = None
        self.validator: str | None = None
        self.mixed = self.whole = False
        self.digest = hashlib.new(self.remote.algorithm, usedforsecurity=False)

    def __enter__(self) -> "PartFile":
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        try:
            self._take_over()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()
        if not self.size and self.path.exists():
            self.discard()
        self.file.close()

    def _open(self) -> None:
        try:
            descriptor = open_locked(self.path, EXCLUSIVE, mode=0o666, required=False)
        except BlockingIOError:
            raise UserError(
                f"another process is downloading {self.target}; wait for it, or stop it and run "
                "this again"
            ) from None
        # unbuffered: what `write` has taken is what the next process finds
        self.file = os.fdopen(descriptor, "r+b", buffering=0)

    def _take_over(self) -> None:
        """Continue from an earlier process's bytes if they are of the same file; hash them."""
        notes: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            notes = read_json(self.notes)
        if notes.get("url") != self.remote.url or notes.get("digest") != self.remote.digest:
            self.restart()
            return
        while data := self.file.read(CHUNK):
            self.digest.update(data)
            self.size += len(data)
        self.total, self.validator, self.mixed = notes["total"], notes["validator"], self.size > 0
        self.whole = self.size == self.total
        if self.total is not None and self.size > self.total:
            self.restart()
        self._show()

    def begin(self, total: int | None, validator: str | None) -> None:
        """Note which version of the file the bytes will be of, before there are any."""
        self.total, self.validator = total, validator
        notes = {
            "url": self.remote.url,
            "digest": self.remote.digest,
            "total": total,
            "validator": validator,
        }
        write_json(self.notes, notes)
        self._show()

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            UserError: They cannot be written, for example for lack of room.
        """
        rest = memoryview(data)
        while rest:
            try:
                written = self.file.write(rest)
            except OSError as error:
                raise UserError(
                    f"{self.path}: {error.strerror}, after {format_bytes(self.size)} of "
                    f"{format_bytes(self.total)} of {self.remote.url}; put that right (make room, "
                    "or raise the quota or limit), then run it again: it continues from there"
                ) from error
            self.digest.update(rest[:written])
            self.size += written
            self.bar.update(written)
            rest = rest[written:]

    def restart(self) -> None:
        """Drop the bytes: they are of another version, or wrong."""
        self.file.seek(0)
        self.file.truncate()
        self._forget()
        self._show()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name, never over a file that appeared there meanwhile.

        Raises:
            UserError: There is such a file.
        """
        sync(self.file.fileno())
        if self.target.exists():
            raise UserError(
                f"{self.target} appeared while it was downloaded; take it or {self.path} away"
            )
        os.replace(self.path, self.target)
        self.notes.unlink(missing_ok=True)

    def _show(self) -> None:
        """Start the bar again: bytes that were there before are no part of its speed."""
        self.bar.leave = False
        self.bar.close()
        self.bar = progress_bar(self.target.name, "B", self.total, initial=self.size)


def digest_of(path: Path, algorithm: str) -> str:
    """Return a file's checksum in hexadecimal, with a progress bar.

    Args:
        path: Of the file.
        algorithm: A name that `hashlib.new` knows, such as md5 or sha256.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    bar = progress_bar(f"checking {path.name}", "B", path.stat().st_size)
    with open(path, "rb") as file, bar:
        while data := file.read(CHUNK):
            digest.update(data)
            bar.update(len(data))
    return digest.hexdigest()

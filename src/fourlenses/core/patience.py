"""Reads that are tried again where a file system over the network fails for a moment.

A server that restarts, a handle that has become stale or a dropped packet would otherwise end hours
of work at one read, which works a few seconds later.
"""

import errno
import io
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)
Result = TypeVar("Result")

PASSING = (
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOLINK,
    errno.ENOTCONN,
    errno.EREMOTEIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
)
PAUSES = (1.0, 5.0, 20.0)  # seconds before each further try


def patiently(action: Callable[[], Result], file: Path) -> Result:
    """Return what an action returns; it is tried again after an error that may pass.

    Args:
        action: It opens the file again each time: a stale handle stays stale.
        file: Its name, for the log.

    Raises:
        OSError: Of the last try, or one that does not pass.
    """
    for pause in PAUSES:
        try:
            return action()
        except OSError as error:
            if error.errno not in PASSING:
                raise
            log.warning("%s: %s; trying again in %g s", file, error.strerror, pause)
            time.sleep(pause)
    try:
        return action()
    except OSError as error:
        if error.filename is None and error.errno is not None:  # of a read: it names no file
            raise OSError(error.errno, os.strerror(error.errno), str(file)) from error
        raise


class PatientFile(io.RawIOBase):
    """An unbuffered file for reading, opened again at its position after an error that may pass."""

    _descriptor = -1  # Python closes a file too that could not be opened

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self._position = path, 0
        self._descriptor = patiently(lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC), path)

    def pread(self, size: int, start: int) -> bytes:
        """Return ``size`` bytes from ``start`` on, fewer at the end of the file.

        Several threads may read at a time.
        """
        try:
            return _pread(self._descriptor, size, start)
        except OSError as error:
            if error.errno not in PASSING:
                raise
        return patiently(lambda: _pread_of(self.path, size, start), self.path)

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # Python 3.12 names it
        data = self.pread(len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        if start is None:
            start = os.fstat(self._descriptor).st_size
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(self.path))
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        if not self.closed and self._descriptor >= 0:
            os.close(self._descriptor)
        super().close()


def open_patiently(path: Path) -> io.BufferedReader:
    """Return a buffered `PatientFile`."""
    return io.BufferedReader(PatientFile(path))


def _pread_of(path: Path, size: int, start: int) -> bytes:
    with open(path, "rb", buffering=0) as opened:
        return _pread(opened.fileno(), size, start)


def _pread(file: int, size: int, start: int) -> bytes:
    """Read ``size`` bytes, which a network's file system may give in pieces; fewer at the end."""
    data = os.pread(file, size, start)
    while len(data) < size and (more := os.pread(file, size - len(data), start + len(data))):
        data += more
    return data

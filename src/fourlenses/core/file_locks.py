"""Kernel locks (flock) on files that other processes may remove or rename meanwhile.

Not filelock's `FileLock`: it knows no shared lock, and truncates the file that it locks, which here
are the data themselves (a half download, a beton in the making).
"""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

SHARED, EXCLUSIVE = fcntl.LOCK_SH, fcntl.LOCK_EX


def open_locked(
    path: Path,
    kind: int,
    *,
    mode: int = 0o600,
    wait: Callable[[], None] | None = None,
    required: bool = True,
) -> int:
    """Open a file (made if need be), lock it, and return its descriptor; closing it unlocks it.

    The name may have come to mean another file before the lock was got; then it starts again.

    Args:
        path: Of the file.
        kind: `SHARED` or `EXCLUSIVE`.
        mode: Permissions of a file that is made, before the umask.
        wait: Called once before waiting for another process; None does not wait.
        required: False continues without a lock where the file system knows none.

    Raises:
        BlockingIOError: Another process holds it, and ``wait`` is None.
        OSError: The file cannot be opened, or not be locked though ``required``.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
        try:
            _lock(descriptor, kind, wait=wait, required=required)
            if _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, kind: int, *, wait: Callable[[], None] | None, required: bool) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        if wait is None:
            raise
        wait()
        fcntl.flock(descriptor, kind)
    except OSError:
        if required:
            raise


def _is_still(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False


def try_lock(descriptor: int) -> bool:
    """Lock an open file exclusively; False where another process holds it or no locks are known."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

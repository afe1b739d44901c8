"""Copies of betons on a disk of the node, while its jobs read them.

Random reads of a network file system are slow. Jobs of one user on one node share a copy: each
holds a shared lock (flock, which is dependable on a node's own disk) while it reads; an exclusive
one is held to copy or to remove. The kernel releases a killed job's locks, so the next job sees
that what it left is unused.
"""

import contextlib
import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.file_locks import EXCLUSIVE, SHARED, open_locked
from fourlenses.core.files import NO_ROOM, atomic, read_json
from fourlenses.core.units import format_bytes
from fourlenses.data.beton.writer import content_sha256

log = logging.getLogger(__name__)

_KEPT_FREE = 1 << 30  # bytes of the node's disk that a copy leaves to others


@contextlib.contextmanager
def staged(betons: list[Path], stage_to: str) -> Iterator[list[Path]]:
    """Yield the paths to read ``betons`` from.

    The last job of the node that reads a copy removes it, and what killed jobs left.

    Args:
        betons: The files.
        stage_to: A folder on the node's disk, in which environment variables ($TMPDIR) are filled
            in; the copies lie below it. With "", or with a warning where it cannot be used or has
            no room, the betons themselves are read.

    Raises:
        UserError: A copy's content is not what the beton's sidecar promises.
    """
    with contextlib.ExitStack() as stack:
        yield [_staged(beton, stage_to, stack) for beton in betons] if stage_to else betons


def _staged(beton: Path, stage_to: str, stack: contextlib.ExitStack) -> Path:
    try:
        folder = _folder(stage_to)
        remove_unused(folder)
        promised = read_json(beton.with_suffix(".json"))["content_sha256"]
        copy = _Copy(beton, promised, folder / f"{beton.stem}.{promised[:16]}")
        stack.enter_context(copy)
        return copy.file
    except OSError as error:
        reason = error.strerror or error
        log.warning("%s is read where it is, not from a copy in %s: %s", beton, stage_to, reason)
        return beton


def _folder(stage_to: str) -> Path:
    """Return this user's folder, made if need be: nobody else can put images into it."""
    expanded = os.path.expandvars(stage_to)
    if "$" in expanded:
        raise OSError("its variable is not set in this job")
    folder = Path(expanded) / f"fourlenses-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    mine = status.st_uid == os.getuid() and not status.st_mode & 0o022
    if not stat.S_ISDIR(status.st_mode) or not mine:
        raise OSError(f"{folder} is not a folder that this user alone can write to")
    return folder


def remove_unused(folder: Path) -> None:
    """Remove the copies that no running job reads."""
    for lock in folder.glob("*.lock"):
        with contextlib.suppress(OSError), _locked(lock, EXCLUSIVE):
            _remove(lock)


class _Copy:
    """A beton's copy in ``folder``; whole and locked against removal within a ``with`` block."""

    def __init__(self, beton: Path, promised: str, folder: Path) -> None:
        self.beton, self.promised, self.folder = beton, promised, folder
        self.file, self.lock = folder / beton.name, folder.with_name(f"{folder.name}.lock")
        self._held = contextlib.ExitStack()

    def __enter__(self) -> "_Copy":
        while True:
            with contextlib.ExitStack() as held:
                held.enter_context(_locked(self.lock, SHARED, self._announce))
                if self.file.exists():
                    self._held = held.pop_all()
                    return self
            # One kind of lock cannot be exchanged for the other in one step, so the copy may be
            # gone again by then.
            with _locked(self.lock, EXCLUSIVE, self._announce):
                if not self.file.exists():
                    try:
                        self._make()
                    except BaseException:
                        _remove(self.lock)
                        raise

    def __exit__(self, *_: object) -> None:
        self._held.close()
        with contextlib.suppress(OSError), _locked(self.lock, EXCLUSIVE):
            _remove(self.lock)

    def _announce(self) -> None:
        log.info("waiting for a job of this node that copies or removes %s", self.folder)

    def _make(self) -> None:
        size, free = self.beton.stat().st_size, shutil.disk_usage(self.folder.parent).free
        if free < size + _KEPT_FREE:
            raise OSError(
                f"it takes {format_bytes(size)}, and {format_bytes(_KEPT_FREE)} are left free, "
                f"but there are only {format_bytes(free)}"
            )
        log.info("copying %s (%s) to %s", self.beton, format_bytes(size), self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)  # a killed job's half
        try:
            with atomic(self.file) as temporary:
                shutil.copyfile(self.beton, temporary)
                self._verify(temporary)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise OSError(error.errno, "the room that there was is gone") from error
            raise

    def _verify(self, copy: Path) -> None:
        checksum = content_sha256(copy)
        if checksum != self.promised:
            raise UserError(
                f"the content of {self.beton}, as copied to {self.folder}, has SHA-256 "
                f"{checksum[:16]}..., not the {self.promised[:16]}... of its .json: it or the "
                "node's disk is damaged. Delete it and its .json and run snakemake, which writes "
                "it again; or set 'training.stage_to' to \"\""
            )


@contextlib.contextmanager
def _locked(path: Path, kind: int, wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock on a file. BlockingIOError if another job holds it and ``wait`` is None."""
    descriptor = open_locked(path, kind, wait=wait)
    try:
        yield
    finally:
        os.close(descriptor)  # releases the lock


def _remove(lock: Path) -> None:
    """Remove a copy and its lock, which this process holds exclusively."""
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)

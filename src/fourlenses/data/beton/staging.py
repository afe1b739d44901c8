"""Copies of betons on a disk of the node, for as long as its jobs read them: random reads of a network file system are slow.

Jobs of one user on one node share a copy. Each holds a shared lock (flock, dependable on a node's own disk) while it reads; an exclusive
one is held to copy or to remove. A killed job's locks are let go by the kernel, so what it left is found unused by the next.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.files import NO_ROOM, atomic, read_json
from fourlenses.core.units import format_bytes
from fourlenses.data.beton.writer import content_sha256

log = logging.getLogger(__name__)

_KEPT_FREE = 1 << 30  # bytes of the node's disk that a copy leaves to others


@contextlib.contextmanager
def staged(betons: list[Path], stage_to: str) -> Iterator[list[Path]]:
    """The paths to read ``betons`` from: copies below the folder ``stage_to``, in which environment variables ($TMPDIR) are filled in.

    The last job of the node that reads a copy removes it, and what killed jobs left. "": the betons themselves; these too, with a
    warning, where the folder cannot be used or has no room.

    Raises:
        UserError: a copy's content is not what the beton's sidecar promises.
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
        log.warning(
            "%s is read where it is, not from a copy in %s: %s",
            beton,
            stage_to,
            error.strerror or error,
        )
        return beton


def _folder(stage_to: str) -> Path:
    """This user's own folder: nobody else can put images into it."""
    expanded = os.path.expandvars(stage_to)
    if "$" in expanded:
        raise OSError("its variable is not set in this job")
    folder = Path(expanded) / f"fourlenses-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OSError(f"{folder} is not a folder that this user alone can write to")
    return folder


def remove_unused(folder: Path) -> None:
    """Remove the copies that no running job reads."""
    for lock in folder.glob("*.lock"):
        with contextlib.suppress(OSError), _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _remove(lock)


class _Copy:
    """One beton's copy, in ``place``; whole and locked against removal within a ``with`` block."""

    def __init__(self, beton: Path, promised: str, place: Path) -> None:
        self.beton, self.promised, self.place = beton, promised, place
        self.file, self.lock = place / beton.name, place.with_name(f"{place.name}.lock")
        self._held = contextlib.ExitStack()

    def __enter__(self) -> "_Copy":
        while True:
            with contextlib.ExitStack() as held:
                held.enter_context(_locked(self.lock, fcntl.LOCK_SH))
                if self.file.exists():
                    self._held = held.pop_all()
                    return self
            # a lock cannot be exchanged for another kind in one go, so the copy may be gone again by the time it is looked for
            with _locked(self.lock, fcntl.LOCK_EX):
                if not self.file.exists():
                    try:
                        self._make()
                    except BaseException:
                        _remove(self.lock)
                        raise

    def __exit__(self, *_) -> None:
        self._held.close()
        with contextlib.suppress(OSError), _locked(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _remove(self.lock)

    def _make(self) -> None:
        size, free = self.beton.stat().st_size, shutil.disk_usage(self.place.parent).free
        if free < size + _KEPT_FREE:
            raise OSError(
                f"it takes {format_bytes(size)}, and {format_bytes(_KEPT_FREE)} are left free, but there are only {format_bytes(free)}"
            )
        log.info("copying %s (%s) to %s", self.beton, format_bytes(size), self.place)
        shutil.rmtree(self.place, ignore_errors=True)  # a killed job's half
        try:
            with atomic(self.file) as temporary:
                shutil.copyfile(self.beton, temporary)
                if (found := content_sha256(temporary)) != self.promised:
                    raise UserError(
                        f"the content of {self.beton}, as copied to {self.place}, has SHA-256 {found[:16]}..., not the "
                        f"{self.promised[:16]}... of its .json: it or the node's disk is damaged. Delete it and its .json and run "
                        "snakemake, which writes it again; or set 'training.stage_to' to \"\""
                    )
        except OSError as error:
            if error.errno in NO_ROOM:
                raise OSError(error.errno, "the room that there was is gone") from error
            raise


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    """Hold a lock of that kind on the file, made if need be. Raises BlockingIOError if it is not to be had (with LOCK_NB)."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if kind & fcntl.LOCK_NB:
                    raise
                log.info(
                    "waiting for a job of this node that copies or removes %s", path.with_suffix("")
                )
                fcntl.flock(descriptor, kind)
            if _is_still(path, descriptor):  # else it was removed while this process waited for it
                yield
                return
        finally:
            os.close(descriptor)  # lets go of the lock


def _is_still(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False


def _remove(lock: Path) -> None:
    """The copy and its lock, which this process holds exclusively."""
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)

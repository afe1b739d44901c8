"""Rolling checkpoints. They live in a directory that is no declared output, because Snakemake deletes the outputs of failed jobs.

A file's name ends in the SHA-256 of its bytes, so that one rename publishes both: no moment has data without a checksum or the reverse.
"""

import contextlib
import hashlib
import logging
import os
import pickle
import re
import secrets
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch

from fourlenses.core.files import sync_directory

log = logging.getLogger(__name__)

_NAME = re.compile(r"step(\d{9,})\.([0-9a-f]{16})\.pt")
_LEFTOVER = re.compile(r"\.step\d{9,}\.[0-9a-f]{16}\.part")
_UNREADABLE = (
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


class Checkpoints:
    """The newest two checkpoints of one run, in ``directory``, as ``step000000123.<16 hex digits of SHA-256>.pt``. One writer at a time."""

    def __init__(self, directory: str | os.PathLike) -> None:
        self.directory = Path(directory)
        self._passed_over: set[Path] = set()

    def save(self, step: int, state: dict) -> bool:
        """Save ``state``, then remove what it replaces. Returns whether it was saved.

        A full disk, a quota or a server that fails (any OSError) costs this checkpoint and a warning, neither the run nor older ones.
        """
        try:
            self._remove_leftovers()  # first: what a killed save left may be just the room that is missing
            self.directory.mkdir(parents=True, exist_ok=True)
            new = self._write(step, state)
        except OSError as error:
            log.warning(
                "no checkpoint of step %d could be saved in %s (%s); training goes on, the checkpoints before are untouched",
                step,
                self.directory,
                error.strerror or error,
            )
            return False
        # what could not be used when this run resumed does not count as the second of the two, nor does what claims a later step
        known = self._files()
        older = [file for file in known if _step(file) < step and file not in self._passed_over]
        _remove([file for file in known if file != new and file not in older[-1:]])
        return True

    def newest(self) -> dict | None:
        """The newest checkpoint whose bytes are those its name promises, on the CPU; others are passed over with a warning."""
        for file in reversed(self._files()):
            try:
                with open(file, "rb") as opened:
                    _verify(file, opened)
                    opened.seek(0)
                    return torch.load(opened, map_location="cpu", weights_only=True)
            except _UNREADABLE as error:
                reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
                log.warning(
                    "checkpoint %s cannot be used (%s); trying the one before", file, reason
                )
                self._passed_over.add(file)
        return None

    def newest_path(self) -> Path | None:
        """The file that `newest` would read, checksum verified; for messages, so without warnings."""
        for file in reversed(self._files()):
            with contextlib.suppress(OSError, ValueError), open(file, "rb") as opened:
                _verify(file, opened)
                return file
        return None

    def newest_step(self) -> int:
        """That of `newest_path`; 0 if there is none."""
        path = self.newest_path()
        return _step(path) if path else 0

    def clear(self) -> None:
        """Remove all checkpoints, what killed saves left, and the directory if nothing else is in it. Never raises OSError."""
        self._remove_leftovers()
        _remove(self._files())
        with contextlib.suppress(OSError):  # not empty, or never there
            self.directory.rmdir()

    def _write(self, step: int, state: dict) -> Path:
        temporary = self.directory / f".step{step:09d}.{secrets.token_hex(8)}.part"
        try:
            with open(temporary, "xb") as file:
                writer = _HashingWriter(file)
                torch.save(state, writer)
                digest = writer.finish()
            final = self.directory / f"step{step:09d}.{digest[:16]}.pt"
            os.replace(temporary, final)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        sync_directory(self.directory)
        return final

    def _files(self) -> list[Path]:
        """Own files, oldest step first, of equal steps the later written last."""
        return sorted(
            (file for file in self._listed() if _NAME.fullmatch(file.name)),
            key=lambda file: (_step(file), _mtime(file)),
        )

    def _remove_leftovers(self) -> None:
        _remove([file for file in self._listed() if _LEFTOVER.fullmatch(file.name)])

    def _listed(self) -> list[Path]:
        try:
            return list(self.directory.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            log.warning(
                "the checkpoints in %s cannot be listed (%s)",
                self.directory,
                error.strerror or error,
            )
            return []


class _HashingWriter:
    """A file for `torch.save`, which writes from front to back, that hashes on the way.

    torch turns an error of ``write`` into a RuntimeError about positions, from which a full disk cannot be told. So the first error is
    kept, the bytes after it are dropped, and `finish` raises it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sha256, self._error = file, hashlib.sha256(), None

    def write(self, data: bytes) -> int:
        if self._error is None:
            try:
                self._file.write(data)
                self._sha256.update(data)
            except OSError as error:
                self._error = error
        return len(data)

    def flush(self) -> None:
        """Nothing yet: `finish` does it."""

    def finish(self) -> str:
        """Everything on disk, and the hexadecimal SHA-256 of it. Raises the first OSError there was."""
        if self._error is not None:
            raise self._error
        self._file.flush()
        os.fsync(self._file.fileno())  # network file systems report a full disk or quota only here
        return self._sha256.hexdigest()


def _verify(file: Path, opened: BinaryIO) -> None:
    """Raises ValueError where the bytes are not those that the name promises."""
    promised = _NAME.fullmatch(file.name)[2]
    found = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    if found != promised:
        size = os.fstat(opened.fileno()).st_size
        raise ValueError(
            f"its {size} bytes have SHA-256 {found}..., the name promises {promised}...: truncated or changed since"
        )


def _step(file: Path) -> int:
    return int(_NAME.fullmatch(file.name)[1])


def _mtime(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _remove(files: list[Path]) -> None:
    """Whatever cannot be removed is left with a warning: nothing that is kept depends on it."""
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be removed (%s)", file, error.strerror or error)

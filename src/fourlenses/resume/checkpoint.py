"""Rolling checkpoints, in a directory that is no declared output of a rule.

Snakemake deletes the outputs of failed jobs. A file's name ends in the SHA-256 of its bytes, so
that one rename publishes both: no moment has data without a checksum or the reverse.
"""

import contextlib
import hashlib
import logging
import os
import pickle
import re
import secrets
import socket
import time
import zipfile
from io import BufferedReader
from pathlib import Path
from typing import IO, BinaryIO, cast

import torch

from fourlenses.core.errors import UserError
from fourlenses.core.files import sync, sync_directory

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
    """The newest two checkpoints of one run, for one writer at a time.

    Args:
        directory: of the files, ``step000000123.<16 hex digits of SHA-256>.pt``.
    """

    def __init__(self, directory: str | os.PathLike) -> None:
        self.directory = Path(directory)
        self._unusable: set[Path] = set()

    def save(self, step: int, state: dict) -> bool:
        """Save a state, then remove what it replaces.

        A full disk, a quota or a server that fails (any OSError) costs this checkpoint and a
        warning, neither the run nor older checkpoints.

        Returns:
            Whether it was saved.
        """
        try:
            # first: what a killed save left may be just the room that is missing
            self._remove_leftovers()
            self.directory.mkdir(parents=True, exist_ok=True)
            new = self._write(step, state)
        except OSError as error:
            log.warning(
                "no checkpoint of step %d could be saved in %s (%s); training continues, the "
                "checkpoints before are untouched",
                step,
                self.directory,
                error.strerror or error,
            )
            return False
        # what could not be used when this run resumed does not count as the second of the two, nor
        # does what claims a later step
        known = self._files()
        older = [file for file in known if _step(file) < step and file not in self._unusable]
        _remove([file for file in known if file != new and file not in older[-1:]])
        return True

    def newest(self) -> dict | None:
        """Return the newest checkpoint whose bytes are those its name promises, on the CPU.

        Others are skipped with a warning. None: there is none.
        """
        for file in reversed(self._files()):
            try:
                return _read(file)
            except _UNREADABLE as error:
                first_line = str(error).splitlines()[0] if str(error) else "no message"
                reason = f"{type(error).__name__}: {first_line}"
                log.warning(
                    "checkpoint %s cannot be used (%s); trying the one before", file, reason
                )
                self._unusable.add(file)
        return None

    def await_step(self, step: int, seconds: float = 60.0) -> dict:
        """Return the checkpoint of a step, on the CPU, once this machine sees it.

        Raises:
            UserError: it does not within ``seconds``.
        """
        end = time.monotonic() + seconds
        while True:
            for file in self._files():
                if _step(file) == step:
                    with contextlib.suppress(*_UNREADABLE):
                        return _read(file)
            if time.monotonic() > end:
                raise UserError(
                    f"the first process continues from the checkpoint of step {step}, which cannot "
                    f"be read in {self.directory} on {socket.gethostname()}; the folder has to be "
                    "on a file system that all nodes share"
                )
            time.sleep(min(1.0, seconds))

    def newest_path(self) -> Path | None:
        """Return the file that `newest` would read, without warnings; for messages."""
        for file in reversed(self._files()):
            with contextlib.suppress(OSError, ValueError), open(file, "rb") as opened:
                _verify(file, opened)
                return file
        return None

    def newest_step(self) -> int:
        """Return the step of `newest_path`; 0 if there is none."""
        path = self.newest_path()
        return _step(path) if path else 0

    def clear(self) -> None:
        """Remove all checkpoints, what killed saves left, and the directory if it is then empty.

        Never raises OSError.
        """
        self._remove_leftovers()
        _remove(self._files())
        with contextlib.suppress(OSError):  # not empty, or never there
            self.directory.rmdir()

    def _write(self, step: int, state: dict) -> Path:
        temporary = self.directory / f".step{step:09d}.{secrets.token_hex(8)}.part"
        try:
            with open(temporary, "xb") as file:
                writer = _HashingWriter(file)
                # torch calls nothing but `write` and `flush`
                torch.save(state, cast(IO[bytes], writer))
                digest = writer.finish()
            final = self.directory / f"step{step:09d}.{digest[:16]}.pt"
            os.replace(temporary, final)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        sync_directory(self.directory)
        return final

    def _files(self) -> list[Path]:
        """The checkpoints, oldest step first; of equal steps the later written last."""
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

    torch turns an error of ``write`` into a RuntimeError about positions, which does not tell a
    full disk. So the first error is kept, the bytes after it are dropped, and `finish` raises it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sha256 = file, hashlib.sha256()
        self._error: OSError | None = None

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
        """Bring everything to the disk, and return the hexadecimal SHA-256 of it.

        Raises:
            OSError: the first error there was.
        """
        if self._error is not None:
            raise self._error
        self._file.flush()
        sync(self._file.fileno())  # network file systems report a full disk or quota only here
        return self._sha256.hexdigest()


def _read(file: Path) -> dict:
    """Return a checkpoint whose bytes are those its name promises, on the CPU."""
    with open(file, "rb") as opened:
        _verify(file, opened)
        opened.seek(0)
        return torch.load(opened, map_location="cpu", weights_only=True)


def _verify(file: Path, opened: BufferedReader) -> None:
    """Raise ValueError where the bytes are not those that the name promises."""
    _, promised = _parsed(file)
    digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    if digest != promised:
        size = os.fstat(opened.fileno()).st_size
        raise ValueError(
            f"its {size} bytes have SHA-256 {digest}..., the name promises {promised}...: "
            "truncated or changed since"
        )


def _parsed(file: Path) -> tuple[int, str]:
    """The step and the digest in a checkpoint's name."""
    match = _NAME.fullmatch(file.name)
    assert match, file
    return int(match[1]), match[2]


def _step(file: Path) -> int:
    return _parsed(file)[0]


def _mtime(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _remove(files: list[Path]) -> None:
    """Remove files. What cannot be removed is left with a warning: nothing depends on it."""
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be removed (%s)", file, error.strerror or error)

"""Rolling checkpoints. They live in a directory that is no declared output, because Snakemake deletes the outputs of failed jobs."""

import logging
import pickle
import zipfile
from pathlib import Path

import torch

from fourlenses.files import atomic

log = logging.getLogger(__name__)


class Checkpoints:
    """The newest two checkpoints of one run, in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)

    def save(self, step: int, state: dict) -> None:
        with atomic(self.directory / f"step{step:09d}.pt") as temporary:
            torch.save(state, temporary)
        for old in self._files()[:-2]:
            old.unlink(missing_ok=True)

    def newest(self) -> dict | None:
        """The newest checkpoint that can be read; a damaged one is passed over with a warning."""
        for file in reversed(self._files()):
            try:
                return torch.load(file, map_location="cpu", weights_only=True)
            except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
                log.warning(
                    "checkpoint %s cannot be read (%s: %s); trying the one before", file, type(error).__name__, str(error).split("\n")[0]
                )
        return None

    def clear(self) -> None:
        for file in self._files():
            file.unlink(missing_ok=True)
        if self.directory.is_dir() and not any(self.directory.iterdir()):
            self.directory.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("step*.pt"))

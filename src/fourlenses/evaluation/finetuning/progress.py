"""The results of an evaluation's trainings so far, in a small file next to their checkpoints.

So none is made twice.
"""

import contextlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from fourlenses.core.files import read_json, write_json
from fourlenses.parallel.distributed import barrier, rank
from fourlenses.resume.checkpoint import Checkpoints

log = logging.getLogger(__name__)


class _Known(TypedDict):
    """The content of the file."""

    input: str | None
    found: dict[str, dict[str, Any]]


class TrainingProgress:
    """``progress.json`` in a directory, written by the first process and read by all.

    Args:
        directory: of the evaluation; each training has a folder of checkpoints in it.
        verify: called by all processes before anything is written.
    """

    def __init__(self, directory: Path, verify: Callable[[], None]) -> None:
        self.directory, self.verify = directory, verify
        self._file = directory / "progress.json"
        self._read()

    @property
    def input(self) -> str | None:
        """The kind of input that was chosen; None at first."""
        return self._known["input"]

    def begin(self, input_kind: str) -> None:
        """Note the kind of input, to continue with after an interruption."""
        self.verify()
        if rank() == 0 and self.input != input_kind:
            self._known["input"] = input_kind
            write_json(self._file, self._known)
        barrier()
        self._read()

    def result_of(self, name: str) -> dict[str, Any] | None:
        """Return the result of the training of that name, if it has been made."""
        return self._known["found"].get(name)

    def store(self, name: str, values: dict[str, Any] | None) -> dict[str, Any]:
        """Keep the result of a training, and remove its checkpoints.

        Args:
            name: of the training.
            values: of the first process; None in the others, which wait for it.

        Returns:
            The result, in all processes.
        """
        self.verify()
        if rank() == 0:
            assert values is not None
            self._known["found"][name] = values
            write_json(self._file, self._known)
            Checkpoints(self.directory / name).clear()
        barrier()
        self._read()
        return self._known["found"][name]

    def start(self) -> str:
        """Return where an attempt starts, in words: later progress has another text."""
        # only the training that is under way has checkpoints
        step = max(
            (
                Checkpoints(folder).newest_step()
                for folder in self.directory.iterdir()
                if folder.is_dir()
            ),
            default=0,
        )
        return f"step {step} of training {len(self._known['found']) + 1}"

    def clear(self) -> None:
        """Remove everything that was kept."""
        for folder in self.directory.iterdir():
            if folder.is_dir():
                Checkpoints(folder).clear()
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _read(self) -> None:
        self._known: _Known = {"input": None, "found": {}}
        try:
            known = read_json(self._file)
            if isinstance(known["found"], dict) and isinstance(known["input"], str):
                self._known = known
        except FileNotFoundError:
            pass
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            log.warning("%s cannot be used (%s); what it held is made again", self._file, error)

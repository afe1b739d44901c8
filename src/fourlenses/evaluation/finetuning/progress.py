"""What an evaluation of several trainings has found so far: a small file beside their checkpoints, so that none is made twice."""

import contextlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

from fourlenses.core.files import read_json, write_json
from fourlenses.parallel.distributed import barrier, rank
from fourlenses.resume.checkpoint import Checkpoints

log = logging.getLogger(__name__)


class TrainingProgress:
    """``progress.json`` in ``directory``, written by the first process, read by all. ``verify`` is called before anything is written, by
    all processes.

    input: the kind of input that was chosen, None at first.
    """

    def __init__(self, directory: Path, verify: Callable[[], None]) -> None:
        self.directory, self.verify = directory, verify
        self._file = directory / "progress.json"
        self._read()

    @property
    def input(self) -> str | None:
        return self._known.get("input")

    def begin(self, input_kind: str) -> None:
        """Note the kind of input, to go on with after an interruption."""
        self.verify()
        if rank() == 0 and self.input != input_kind:
            self._known["input"] = input_kind
            write_json(self._file, self._known)
        barrier()
        self._read()

    def found(self, name: str) -> dict | None:
        return self._known["found"].get(name)

    def store(self, name: str, values: dict | None) -> dict:
        """Keep what the first process has found under that name, forget the training's checkpoints, and tell all processes."""
        self.verify()
        if rank() == 0:
            self._known["found"][name] = values
            write_json(self._file, self._known)
            Checkpoints(self.directory / name).clear()
        barrier()
        self._read()
        return self.found(name)

    def start(self) -> str:
        """What an attempt begins with, in words: later progress has another text."""
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
        self._known = {"found": {}}
        try:
            known = read_json(self._file)
            if isinstance(known["found"], dict) and isinstance(known["input"], str):
                self._known = known
        except FileNotFoundError:
            pass
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            log.warning("%s cannot be used (%s); what it held is found again", self._file, error)

"""The progress file of a running training, ``live.json``, for `make status`.

It lies next to the checkpoints while the training runs (or was killed). It is no part of the run:
nothing reads it to train, and what goes wrong in writing it costs a line of the log.
"""

import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

# Called with the history after each step, in the first process of a training. They change nothing
# of it; a program that trains adds its own.
OBSERVERS: list[Callable[[list[dict]], None]] = []

log = logging.getLogger(__name__)

FILE = "live.json"
_INTERVALS = 12  # that the speed is measured over: a minute at 5 seconds


class LiveProgress:
    """A writer of ``live.json``, to be used in a ``with`` block.

    The file holds description, step, total_steps, epoch, total_epochs, images_per_second (source
    images, of the last minute, waits included), seconds_left at that speed, loss (of the newest row
    of the history) and updated (UTC).

    Args:
        directory: of the file.
        description: of the training.
        batch_size: source images, over all processes.
        images: in the training set.
        enabled: False in all processes of a run but the first.
        seconds: between two writes.
    """

    def __init__(
        self,
        directory: Path,
        description: str,
        *,
        total_steps: int,
        batch_size: int,
        images: int,
        enabled: bool = True,
        seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.file, self.enabled, self.seconds = Path(directory) / FILE, enabled, seconds
        self.description, self.total_steps = description, total_steps
        self.batch_size, self.images = batch_size, images
        self._clock = clock
        self._written: deque[tuple[float, int]] = deque(maxlen=_INTERVALS + 1)  # (clock, step)
        self._warned = False

    def took(self, step: int, history: list[dict]) -> None:
        """Note how many steps are done; written when it is time to, and at the first call."""
        for observer in OBSERVERS if self.enabled else ():
            observer(history)
        now = self._clock()
        if not self.enabled or (self._written and now - self._written[-1][0] < self.seconds):
            return
        self._written.append((now, step))
        (first, first_step) = self._written[0]
        speed = (step - first_step) * self.batch_size / (now - first) if now > first else None
        images_left = (self.total_steps - step) * self.batch_size
        state = {
            "description": self.description,
            "step": step,
            "total_steps": self.total_steps,
            "epoch": round(step * self.batch_size / self.images, 3),
            "total_epochs": round(self.total_steps * self.batch_size / self.images, 3),
            "images_per_second": round(speed, 1) if speed else None,
            "seconds_left": round(images_left / speed) if speed else None,
            "loss": round(history[-1]["loss"], 4) if history else None,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.file.with_name(f".{FILE}.{os.getpid()}.part")
            # not synced: its loss in a crash costs nothing
            temporary.write_text(json.dumps(state) + "\n", encoding="utf-8")
            os.replace(temporary, self.file)
        except OSError as error:
            if not self._warned:
                log.warning(
                    "%s cannot be written (%s); training continues, but cannot be watched",
                    self.file,
                    error.strerror or error,
                )
            self._warned = True

    def __enter__(self) -> "LiveProgress":
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file, however the training ended."""
        if self.enabled:
            for file in (self.file, self.file.with_name(f".{FILE}.{os.getpid()}.part")):
                try:
                    file.unlink(missing_ok=True)
                except OSError as error:
                    log.debug("%s cannot be removed (%s)", file, error)

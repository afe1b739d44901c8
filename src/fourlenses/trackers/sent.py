"""What a tracker has of a run already: an interrupted training continues in the same one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from fourlenses.core.files import read_json, write_json
from fourlenses.trackers.run import STEP, Row, TrackedRun


@dataclass(kw_only=True)
class Sent:
    """What one tracker has of one run.

    Attributes:
        id: the tracker's own name of it; empty for none.
        step: the last one that it has; -1 for none.
        settings: a hash of the run's; a run of other settings is another one.
        picture: it has the picture of views.
    """

    id: str = ""
    step: int = -1
    settings: str = ""
    picture: bool = False

    @classmethod
    def read(cls, file: Path, run: TrackedRun) -> Self:
        """Return what the file says; nothing, where it is missing or of other settings."""
        text = json.dumps(run.settings, sort_keys=True)
        settings = hashlib.sha256(text.encode()).hexdigest()[:16]
        try:
            known = cls(**read_json(file))
        except (OSError, ValueError, TypeError):
            known = cls()
        return known if known.settings == settings else cls(settings=settings)

    def write(self, file: Path) -> None:
        write_json(file, asdict(self))

    def new(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that the tracker does not have."""
        return [row for row in rows if row[STEP] > self.step]

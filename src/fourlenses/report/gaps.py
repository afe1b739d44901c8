"""What a report lacks, with the command that makes it: every part but the table is optional."""

import json
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import printable


@dataclass(frozen=True)
class Gap:
    """A part that is not there.

    Attributes:
        what: a sentence without its full stop.
        command: makes what is missing; None where no command does.
        key: of the config, with what to add to it; None where that is not what lacks.
    """

    what: str
    command: str | None = None
    key: str | None = None


def optional_json(path: Path, gaps: list[Gap], command: str | None) -> object | None:
    """Return the JSON in a file, or None with a gap added: it is missing, or damaged."""
    if not path.is_file():
        gaps.append(Gap(f"{path.name} is not there", command))
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        damage = f"{path.name} is damaged ({printable(str(error))}); delete it first"
        gaps.append(Gap(damage, command))
        return None


def optional_text(path: Path) -> str | None:
    """Return the text of a file, or None where it is missing."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None

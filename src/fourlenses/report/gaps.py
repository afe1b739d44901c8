"""What a report lacks. Every part but the table is optional; what is not there is said, with the command that makes it."""

import json
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import printable


@dataclass(frozen=True)
class Gap:
    """what: a sentence without its full stop. command: makes what is missing, or None where no command does."""

    what: str
    command: str | None = None


def optional_json(path: Path, gaps: list[Gap], command: str | None) -> object | None:
    """The JSON at ``path``, or None with a gap added: the file is missing, or it is damaged."""
    if not path.is_file():
        gaps.append(Gap(f"{path.name} is not there", command))
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        gaps.append(
            Gap(f"{path.name} is damaged ({printable(str(error))}); delete it first", command)
        )
        return None


def optional_text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None

"""Paths in lists against the files that exist: as written, or as another system wrote them.

Lists come with backslashes, drive letters, the folders of another machine, capitals that Windows
and macOS do not tell apart, and umlauts in another Unicode form than the files'.
"""

import posixpath
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from fourlenses.data.archives.leftovers import leftover

_DRIVE = re.compile(r"^(?:[A-Za-z]:|\\\\[^\\]+)(?=[/\\])")


class Match(NamedTuple):
    """A file that a list names.

    Attributes:
        row: Of the list.
        around: The file's folders before the listed path; "" or ending in a slash.
        exact: Whether the path is written as the file's.
    """

    row: int
    around: str
    exact: bool


class Listed:
    """The paths of a list.

    Args:
        files: As written.
    """

    def __init__(self, files: list[str]) -> None:
        self.exact = {posixpath.normpath(file.lstrip("/")): row for row, file in enumerate(files)}
        self.loose: dict[str, int] = {}
        keys = [_loosely(file) for file in files]
        for drop in range(_shared(files, keys) + 1):
            for row, key in enumerate(keys):
                short = "/".join(key.split("/")[drop:])
                # of two rows that differ in capitals alone neither is meant by a third spelling
                self.loose[short] = row if self.loose.get(short, row) == row else -1

    def find(self, member: str) -> Match | None:
        """Return the row that a file is listed in, None where it is in none.

        The longest listed path counts that the file's ends in. What systems leave behind is listed
        only where the list says so.
        """
        for around, ending in _endings(member):
            if ending in self.exact:
                return _unless_left(Match(self.exact[ending], around, True))
        for around, ending in _endings(_loosely(member)):
            row = self.loose.get(ending, -1)
            if row >= 0:
                folders = member.split("/")[: around.count("/")]
                around = "".join(f"{folder}/" for folder in folders)
                return _unless_left(Match(row, around, False))
        return None


def tidy(file: str) -> str:
    """Return a listed path with forward slashes, from no drive or root, without `.` and `..`."""
    if "\\" in file:
        file = _DRIVE.sub("", file).replace("\\", "/")
    return posixpath.normpath(re.sub(r"^[A-Za-z]:/", "", file).lstrip("/"))


def _unless_left(match: Match) -> Match | None:
    return None if leftover(match.around.rstrip("/")) else match


def _endings(path: str) -> Iterator[tuple[str, str]]:
    """Yield what is before and what is from each folder on, the whole path first."""
    at = 0
    while True:
        yield path[:at], path[at:]
        slash = path.find("/", at)
        if slash < 0:
            return
        at = slash + 1


def _loosely(file: str) -> str:
    """Return a path as one that is written in another way has it too."""
    try:
        file.encode()
    except UnicodeEncodeError:  # not UTF-8: most often a list that Excel saved in Western Europe
        file = file.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return unicodedata.normalize("NFC", tidy(file)).casefold()


def _shared(files: list[str], keys: list[str]) -> int:
    """Return how many folders all paths of a list from another machine begin with; else 0."""
    absolute = all(file.startswith(("/", "\\")) or _DRIVE.match(file) for file in files)
    if not absolute or not keys:
        return 0
    first, last = min(keys).split("/"), max(keys).split("/")
    shared = 0
    while shared < min(len(first), len(last)) - 1 and first[shared] == last[shared]:
        shared += 1
    return shared

"""Pictures of figures that are gone. Standard library only: the Snakefile imports it in every job.

A figure's declared output is the table of the numbers drawn, as a figure for which the study has
nothing has no picture. So a picture that a user deleted is asked for by name.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from fourlenses.study.layout import Layout


def lost_pictures(
    files: Layout, figures: Iterable[str], formats: Iterable[str], *, root: Path = Path()
) -> list[str]:
    """Return the pictures that are not there of figures whose table has numbers.

    Args:
        files: the paths of the study.
        figures: names.
        formats: that the config asks for.
        root: the folder of results/.
    """
    endings = list(formats)
    return [
        picture
        for name in figures
        if _has_numbers(root / files.figure(name))
        for picture in files.drawn(name, endings)
        if not (root / picture).exists()
    ]


def _has_numbers(table: Path) -> bool:
    """Whether there is a line after its header."""
    try:
        with open(table, encoding="utf-8", errors="replace") as lines:
            return len(list(islice(lines, 2))) == 2
    except OSError:
        return False

"""README's section of results: written between two markers, and compared with the tables.

The first marker names the studies, so that the section can be made again from what stands there:

    <!-- results: real_mini real_quick -->
    …
    <!-- end of results -->
"""

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic
from fourlenses.showcase.sentences import sentences

COLUMNS = 100
PICTURE = Path("docs") / "results"  # .svg, .png and .csv
SECTION = re.compile(
    r"<!-- results: (?P<studies>[\w ]+) -->\n(?P<text>.*?)<!-- end of results -->\n", re.DOTALL
)


def section(studies: Sequence[Path], alt: str) -> str:
    """Return the text between the markers.

    Args:
        studies: folders of results.
        alt: what the picture shows, in words.
    """
    cards = ", ".join(f"[{one.name}](results/{one.name}/decision.md)" for one in studies)
    made = f'Picture and sentences: `make readme STUDIES="{" ".join(one.name for one in studies)}"`'
    lines = [
        f"![{alt}]({PICTURE.as_posix()}.png)",
        "",
        *(_wrapped(line, indent="  ") for line in sentences(studies)),
        "",
        _wrapped(f"*Decision cards: {cards}. {made}.*"),
    ]
    return "\n".join(lines) + "\n"


def _wrapped(line: str, indent: str = "") -> str:
    return fill(
        line, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def studies_of(readme: str) -> list[str]:
    """Return the studies that README's section names.

    Raises:
        UserError: it has no such section.
    """
    found = SECTION.search(readme)
    if found is None:
        raise UserError(
            "README has no section of results; put the lines <!-- results: real_mini --> and "
            "<!-- end of results --> where it is to stand"
        )
    return found["studies"].split()


def write(readme: Path, text: str, studies: Sequence[str]) -> None:
    """Put the section in its place.

    Raises:
        UserError: there is no place for it.
    """
    whole = readme.read_text(encoding="utf-8")
    studies_of(whole)  # there is a place
    new = f"<!-- results: {' '.join(studies)} -->\n{text}<!-- end of results -->\n"
    with atomic(readme) as temporary:
        temporary.write_text(SECTION.sub(lambda _: new, whole, count=1), encoding="utf-8")

"""The layout that both pictures share: labelled rows of small squares, saved as a small file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fourlenses.check.sheet_layout import GREY, INK, PAPER, font, wrapped
from fourlenses.core.files import atomic

CELL, GAP, MARGIN = 64, 4, 10  # px
CAPTION = 150  # px, the column of names
HEAD = 26  # px, the title
MOST_BYTES = 45_000  # of a picture, so that a report can hold ten of them
QUALITIES = (90, 80, 70, 60, 50, 40)  # of WebP, which takes half a JPEG: the first small enough
RIGHT, WRONG = "#1B6E3C", "#C2410C"  # frames; wrong ones have a cross as well


@dataclass(frozen=True, kw_only=True)
class Square:
    """A cell of a sheet.

    Attributes:
        pixels: uint8 (height, width, 3), square.
        mark: True for a green frame, False for an orange one with a cross, None for neither.
    """

    pixels: np.ndarray
    mark: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a sheet: a name, a note below it, and groups of squares with a gap between."""

    name: str
    note: str = ""
    groups: Sequence[Sequence[Square]]


def sheet(title: str, rows: Sequence[Row], heads: Sequence[tuple[str, str]] = ()) -> Image.Image:
    """Return a picture of labelled rows.

    Args:
        title: above all.
        rows: all with the same number of groups.
        heads: two lines above each group; none where empty.
    """
    lefts, right = _lefts(rows)
    top = HEAD + (36 if heads else 0)
    step = CELL + GAP
    page = Image.new("RGB", (right + MARGIN, top + len(rows) * step + MARGIN), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, 6), title, INK, font(13, bold=True))
    for left, width, head in zip(lefts, _widths(lefts, right), heads, strict=len(heads) > 0):
        for place, text in enumerate(head):
            for line in wrapped(text, font(11), width, most=1):
                pen.text((left, HEAD + 4 + 14 * place), line, (INK, GREY)[place], font(11))
    for number, row in enumerate(rows):
        y = top + number * step
        _caption(pen, row, y=y)
        for left, group in zip(lefts, row.groups, strict=True):
            for place, square in enumerate(group):
                _paste(page, pen, square, x=left + place * step, y=y)
    return page


def save(picture: Image.Image, path: Path) -> None:
    """Write a WebP of at most `MOST_BYTES` where any quality gives one."""
    for quality in QUALITIES:
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=quality, method=6)
        if content.tell() <= MOST_BYTES:
            break
    with atomic(path) as temporary:
        temporary.write_bytes(content.getvalue())


def _lefts(rows: Sequence[Row]) -> tuple[list[int], int]:
    """Where each group starts, and where the last one ends."""
    groups = max((len(row.groups) for row in rows), default=0)
    left, lefts = MARGIN + CAPTION, []
    for place in range(groups):
        lefts.append(left)
        longest = max(len(row.groups[place]) for row in rows)
        left += longest * (CELL + GAP) + 3 * GAP
    return lefts, max(left - 4 * GAP, 480)


def _widths(lefts: list[int], right: int) -> list[int]:
    ends = [*(left - 3 * GAP for left in lefts[1:]), right]
    return [end - left for left, end in zip(lefts, ends, strict=False)]


def _caption(pen: ImageDraw.ImageDraw, row: Row, *, y: int) -> None:
    lines = wrapped(row.name, font(12), CAPTION - 10, most=3)
    start = y + (CELL - 15 * len(lines) - (13 if row.note else 0)) // 2
    for place, line in enumerate(lines):
        pen.text((MARGIN, start + 15 * place), line, INK, font(12))
    if row.note:
        pen.text((MARGIN, start + 15 * len(lines)), row.note, GREY, font(11))


def _paste(page: Image.Image, pen: ImageDraw.ImageDraw, square: Square, *, x: int, y: int) -> None:
    picture = Image.fromarray(square.pixels)
    # pixels of small images stay visible as such: smoothing would promise detail that is not there
    enlarged = picture.width < CELL
    by = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    page.paste(picture.resize((CELL, CELL), by), (x, y))
    if square.mark is None:
        return
    colour = RIGHT if square.mark else WRONG
    pen.rectangle((x, y, x + CELL - 1, y + CELL - 1), outline=colour, width=3)
    if not square.mark:
        pen.rectangle((x, y, x + 13, y + 13), fill=colour)
        pen.line((x + 3, y + 3, x + 10, y + 10), fill="white", width=2)
        pen.line((x + 10, y + 3, x + 3, y + 10), fill="white", width=2)

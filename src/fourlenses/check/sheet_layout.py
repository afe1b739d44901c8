"""Layout of the two pictures of a check: examples of the classes, and the duplicates."""

import functools
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CELL, GAP, MARGIN = 96, 4, 16  # px
CAPTION = 230  # px, width of the column of names
TRAIN, TEST, INK, GREY, PAPER = "#1f6fb4", "#d9730d", "#1a1a1a", "#6b6b6b", "white"
HEAD = 76  # px


@functools.cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings: Latin, Greek, Cyrillic, Arabic and more."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    # Pillow's other engine gives up on some strings, and is not in every build of it
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


Thumbnails = list[Image.Image | None]  # None for an undecodable image


def contact_sheet(
    title: str, note: str, rows: Sequence[tuple[str, str, Thumbnails, Thumbnails]]
) -> Image.Image:
    """Draw a row per class: its name, a line about it, training examples, test examples.

    Of each image the centre square is shown.
    """
    columns = [max((len(row[side]) for row in rows), default=1) or 1 for side in (2, 3)]
    lefts = [MARGIN + CAPTION, MARGIN + CAPTION + columns[0] * (CELL + GAP) + 4 * GAP]
    width = lefts[1] + columns[1] * (CELL + GAP) - GAP + MARGIN
    sheet = Image.new(
        "RGB", (max(width, 640), HEAD + max(len(rows), 1) * (CELL + GAP) + MARGIN), PAPER
    )
    pen = ImageDraw.Draw(sheet)
    _heading(pen, title, note, width=sheet.width)
    for left, text, colour in ((lefts[0], "train", TRAIN), (lefts[1], "test", TEST)):
        pen.text((left, HEAD - 20), text, colour, font(13, bold=True))
    for number, (name, line, *sides) in enumerate(rows):
        top = HEAD + number * (CELL + GAP)
        lines = wrapped(name, font(14, bold=True), CAPTION - 12, most=3)
        start = top + (CELL - 18 * len(lines) - 17) // 2
        for place, text in enumerate(lines):
            pen.text((MARGIN, start + 18 * place), text, INK, font(14, bold=True))
        pen.text((MARGIN, start + 18 * len(lines)), line, GREY, font(13))
        for left, pictures in zip(lefts, sides, strict=True):
            for place, picture in enumerate(pictures):
                x = left + place * (CELL + GAP)
                _paste(sheet, pen, _square(picture), x=x, y=top)
    return sheet


def duplicates_panel(
    title: str, note: str, rows: list[tuple[str, str, list[tuple[Image.Image | None, str, str]]]]
) -> Image.Image:
    """Draw a row per group of copies: their kind, a line about them, then the images.

    Args:
        title: Of the picture.
        note: Below the title.
        rows: Kind, line, and of each image its thumbnail, split and class. Images are shown whole,
            in a frame of the split's colour.
    """
    columns = max((len(row[2]) for row in rows), default=1)
    step, height = CELL + 34, CELL + 44
    left = MARGIN + CAPTION
    sheet = Image.new(
        "RGB", (max(left + columns * step + MARGIN, 640), HEAD + max(len(rows), 1) * height), PAPER
    )
    pen = ImageDraw.Draw(sheet)
    _heading(pen, title, note, width=sheet.width)
    for number, (name, line, members) in enumerate(rows):
        top = HEAD + number * height
        pen.text((MARGIN, top + 24), name, INK, font(14, bold=True))
        for place, text in enumerate(wrapped(line, font(13), CAPTION - 12, most=3)):
            pen.text((MARGIN, top + 44 + 17 * place), text, GREY, font(13))
        for place, (picture, split, label) in enumerate(members):
            x, colour = left + place * step, TRAIN if split == "train" else TEST
            pen.rectangle((x - 3, top - 3, x + CELL + 2, top + CELL + 2), outline=colour, width=3)
            _paste(sheet, pen, _whole(picture), x=x, y=top)
            pen.text((x, top + CELL + 5), split, colour, font(12, bold=True))
            pen.text((x, top + CELL + 20), _cut(label, font(12), step - 6), GREY, font(12))
    return sheet


def _heading(pen: ImageDraw.ImageDraw, title: str, note: str, *, width: int) -> None:
    bold = font(17, bold=True)
    pen.text((MARGIN, 10), _cut(title, bold, width - 2 * MARGIN), INK, bold)
    pen.text((MARGIN, 32), _cut(note, font(12), width - 2 * MARGIN), GREY, font(12))


def _square(picture: Image.Image | None) -> Image.Image | None:
    if picture is None:
        return None
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return _scaled(picture.crop((left, top, left + side, top + side)), (CELL, CELL))


def _whole(picture: Image.Image | None) -> Image.Image | None:
    if picture is None:
        return None
    scale = CELL / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    small = _scaled(picture, (width, height))
    framed = Image.new("RGB", (CELL, CELL), "#f0f0f0")
    framed.paste(small, ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return framed


def _scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    # pixels of tiny images stay visible as such: smoothing would promise detail that is not there
    enlarged = picture.width < size[0]
    return picture.resize(size, Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS)


def _paste(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, picture: Image.Image | None, *, x: int, y: int
) -> None:
    if picture is not None:
        sheet.paste(picture, (x, y))
        return
    pen.rectangle((x, y, x + CELL - 1, y + CELL - 1), fill="#f0f0f0")
    pen.text(
        (x + CELL / 2, y + CELL / 2),
        "cannot be\ndecoded",
        GREY,
        font(12),
        anchor="mm",
        align="center",
    )


def _cut(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def wrapped(text: str, face: ImageFont.FreeTypeFont, width: float, *, most: int) -> list[str]:
    """Break text into at most ``most`` lines of ``width`` px.

    Behind spaces, underscores, slashes, dots and hyphens where there are any.
    """
    lines: list[str] = []
    while text and len(lines) < most - 1 and face.getlength(text) > width:
        fit = next(
            count
            for count in range(len(text), 0, -1)
            if count == 1 or face.getlength(text[:count]) <= width
        )
        seam = max(text.rfind(mark, 1, fit) for mark in " _/.-") + 1
        fit = seam or fit
        lines.append(text[:fit].rstrip())
        text = text[fit:]
    return [*lines, _cut(text, face, width)]

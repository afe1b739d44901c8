"""The figures of a study, embedded: SVG where there is one, else PNG, with caption and numbers."""

import base64
import csv
import re
import struct
from pathlib import Path

from fourlenses.lenses.captions import caption_of
from fourlenses.lenses.needs import NEEDS
from fourlenses.report import markdown
from fourlenses.report.gaps import Gap
from fourlenses.report.tables import Table, read_table
from fourlenses.study.vocabulary import FIGURES, LENSES, STUDY_FIGURES

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}  # the better one first
PIXELS_PER_INCH = 96 * 1.4  # at which its text is as large as the page's small text
DOTS_PER_INCH = 300  # of a PNG
_SVG_WIDTH = re.compile(rb'<svg[^>]*?\swidth="([0-9.]+)pt"')
# What a figure is of: the first of these columns that its table has.
VALUES = ("top1", "difference", "change", "gap", "against", "gain", "ours")
MOST_IN_WORDS = 40  # rows of a figure's table that its alternative text repeats


def read_figure(prefix: Path, caption: str) -> dict | None:
    """Return a figure with its caption and table, or None where there is no picture.

    It is embedded as an image (`data:`), not as inline SVG: ids and styles of one figure cannot
    reach another, and nothing in it can run.

    Args:
        prefix: of the files .svg, .png and .csv.
        caption: markdown, may be empty.
    """
    for ending, kind in TYPES.items():
        picture = prefix.with_name(prefix.name + ending)
        if picture.is_file():
            content = picture.read_bytes()
            numbers = prefix.with_name(prefix.name + ".csv")
            table = read_table(numbers)
            return {
                "name": prefix.name,
                "id": f"figure-{anchor(prefix.name)}",
                "file": picture.name,
                "kind": ending[1:],
                "source": f"data:{kind};base64,{encoded(content)}",
                "width": _width(content),
                "csv": embedded_csv(numbers),
                "alternative": _in_words(prefix.name, table),
                "caption": markdown.parse(caption) if caption else [],
                "table": table,
            }
    return None


def _rows(file: Path) -> list[dict[str, str]]:
    """Return the numbers drawn; none where there is no such file."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def anchor(name: str) -> str:
    """Return a name as a part of an id: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def encoded(content: bytes) -> str:
    """Return bytes as a `data:` address holds them."""
    return base64.b64encode(content).decode("ascii")


def embedded_csv(file: Path) -> str | None:
    """Return a CSV file as an address, so that it can be saved from the page alone."""
    return f"data:text/csv;base64,{encoded(file.read_bytes())}" if file.is_file() else None


def _width(content: bytes) -> int | None:
    """The width at which a figure's text is as large as in all others, px; None: not known."""
    inches = None
    if match := _SVG_WIDTH.search(content[:2000]):
        inches = float(match[1]) / 72
    elif content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        inches = struct.unpack(">I", content[16:20])[0] / DOTS_PER_INCH
    return round(inches * PIXELS_PER_INCH) if inches else None


def _in_words(name: str, table: Table | None) -> str:
    """The numbers drawn, for who cannot see them: what tells rows apart, and the value."""
    head = f"Figure {name.replace('_', ' ')}"
    columns = list(table.columns) if table else []
    value = next((column for column in VALUES if column in columns), None)
    if not table or value is None:
        return f"{head}."
    place = columns.index(value)
    keys = [i for i in range(place) if len({row[i] for row in table.rows}) > 1]
    rows = [
        f"{' '.join(row[i] for i in keys if row[i])}: {row[place]}"
        for row in table.rows[:MOST_IN_WORDS]
        if row[place]
    ]
    left = len(table.rows) - MOST_IN_WORDS
    more = f"; and {left} more in the table below" if left > 0 else ""
    return f"{head}, {value.replace('_', ' ')}. {'; '.join(rows)}{more}."


def read_lenses(folder: Path, asked: set[str]) -> list[dict]:
    """Return a section per lens that the table asks for or a figure belongs to.

    Figures of no lens are in the last section, `other`.

    Args:
        folder: of the figures.
        asked: lenses in the study's table.
    """
    pictures = (file for file in folder.glob("*") if file.suffix in TYPES)
    names = {file.stem for file in pictures if not file.name.startswith(".")}
    order = [name for name in FIGURES if name in names]
    by_lens: dict[str, list[dict]] = {lens: [] for lens in (*LENSES, "other")}
    for name in [*order, *sorted(names - {*order})]:
        figure = read_figure(folder / name, caption_of(name, _rows(folder / f"{name}.csv")))
        by_lens[lens_of(name)] += [figure] if figure else []
    sections = []
    for lens, figures in by_lens.items():
        if figures or lens in asked:
            absent = Gap(f"The figure of the {lens} lens is not there", "snakemake figures")
            question = LENSES[lens].question if lens in LENSES else ""
            section = {"lens": lens, "question": question, "figures": figures}
            sections.append({**section, "gaps": [] if figures else [absent]})
    return sections


def lens_of(figure: str) -> str:
    """Return the lens of a figure: `domain_pools` belongs to `domain`; others to `other`."""
    owners = (lens for lens in LENSES if figure == lens or figure.startswith(f"{lens}_"))
    return next(owners, "other")


def not_measured(folder: Path, asked: set[str]) -> list[Gap]:
    """Return what the study lacks for each figure that it could have but has nothing to draw in.

    Args:
        folder: of the figures.
        asked: lenses in the study's table.
    """
    figures = [figure for lens in LENSES if lens in asked for figure in LENSES[lens].figures]
    return [
        Gap(f"Not drawn: {figure.name}, which needs {NEEDS[figure.name]}")
        for figure in (*figures, *STUDY_FIGURES)
        if figure.name in NEEDS
        and not any((folder / f"{figure.name}{end}").is_file() for end in TYPES)
    ]

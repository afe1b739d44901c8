"""The figures of a study, embedded: SVG where there is one, else PNG, with caption and numbers."""

import base64
from pathlib import Path

from fourlenses.lenses.captions import caption_of
from fourlenses.lenses.needs import NEEDS
from fourlenses.report import markdown
from fourlenses.report.gaps import Gap
from fourlenses.report.tables import read_table
from fourlenses.study.vocabulary import LENSES, STUDY_FIGURES

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}  # the better one first


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
            encoded = base64.b64encode(picture.read_bytes()).decode("ascii")
            return {
                "name": prefix.name,
                "file": picture.name,
                "source": f"data:{kind};base64,{encoded}",
                "caption": markdown.parse(caption) if caption else [],
                "table": read_table(prefix.with_name(prefix.name + ".csv")),
            }
    return None


def read_lenses(folder: Path, asked: set[str]) -> list[dict]:
    """Return a section per lens that the table asks for or a figure belongs to.

    Figures of no lens are in the last section, `other`.

    Args:
        folder: of the figures.
        asked: lenses in the study's table.
    """
    pictures = (file for file in folder.glob("*") if file.suffix in TYPES)
    names = sorted({file.stem for file in pictures if not file.name.startswith(".")})
    by_lens: dict[str, list[dict]] = {lens: [] for lens in (*LENSES, "other")}
    for name in names:
        figure = read_figure(folder / name, caption_of(name))
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
        Gap(f"The figure {figure.name} needs {NEEDS[figure.name]}")
        for figure in (*figures, *STUDY_FIGURES)
        if figure.name in NEEDS
        and not any((folder / f"{figure.name}{end}").is_file() for end in TYPES)
    ]

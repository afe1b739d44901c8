"""The figures of a study, embedded: as the SVG where there is one, as the PNG otherwise, with caption and numbers."""

import base64
from pathlib import Path

from fourlenses.lenses.captions import caption_of
from fourlenses.report import markdown
from fourlenses.report.gaps import Gap
from fourlenses.report.tables import read_table
from fourlenses.study.vocabulary import LENSES

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}  # the better one first


def read_figure(prefix: Path, caption: str) -> dict | None:
    """The figure ``prefix``.svg or .png with the table ``prefix``.csv, or None where neither picture is there.

    As an image of its own (`data:`), not as inline SVG: ids and styles of one figure cannot reach another, and nothing in it can run.
    """
    for ending, kind in TYPES.items():
        picture = prefix.with_name(prefix.name + ending)
        if picture.is_file():
            return {
                "name": prefix.name,
                "file": picture.name,
                "source": f"data:{kind};base64,{base64.b64encode(picture.read_bytes()).decode('ascii')}",
                "caption": markdown.parse(caption) if caption else [],
                "table": read_table(prefix.with_name(prefix.name + ".csv")),
            }
    return None


def read_lenses(folder: Path, asked: set[str]) -> list[dict]:
    """A section per lens that the table asks for or a figure belongs to; figures of no lens in the last, ``other``."""
    names = sorted(
        {
            path.stem
            for path in folder.glob("*")
            if path.suffix in TYPES and not path.name.startswith(".")
        }
    )
    by_lens: dict[str, list[dict]] = {lens: [] for lens in (*LENSES, "other")}
    for name in names:
        by_lens[lens_of(name)].append(read_figure(folder / name, caption_of(name)))
    sections = []
    for lens, figures in by_lens.items():
        if figures or lens in asked:
            gaps = (
                []
                if figures
                else [Gap(f"The figure of the {lens} lens is not there", "snakemake figures")]
            )
            question = LENSES[lens].question if lens in LENSES else ""
            sections.append({"lens": lens, "question": question, "figures": figures, "gaps": gaps})
    return sections


def lens_of(figure: str) -> str:
    """`domain_pools` belongs to `domain`; a name of no lens to `other`."""
    owners = (lens for lens in LENSES if figure == lens or figure.startswith(f"{lens}_"))
    return next(owners, "other")

"""The caption of each figure: a paragraph of plain text in the folder of its lens."""

from pathlib import Path

from fourlenses.study.vocabulary import STUDY_FIGURES

HERE = Path(__file__).parent
OF_STUDY = {figure.name for figure in STUDY_FIGURES}


def place_of(figure: str) -> tuple[str, str]:
    """Return the folder and the module of a figure: `domain_pools` is `domain`, `pools`."""
    if figure in OF_STUDY:
        return "across", figure
    lens, _, second = figure.partition("_")
    return lens, second or "figure"


def caption_of(figure: str) -> str:
    """Return the caption of a figure, empty where there is none.

    That of `domain` is `domain/caption.md`, that of `domain_pools` is `domain/caption_pools.md`.
    """
    folder, module = place_of(figure)
    file = HERE / folder / ("caption.md" if module == "figure" else f"caption_{module}.md")
    return file.read_text(encoding="utf-8") if file.is_file() else ""

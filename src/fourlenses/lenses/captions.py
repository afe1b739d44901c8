"""The caption of each figure: a paragraph of plain text in the folder of its lens."""

from pathlib import Path

HERE = Path(__file__).parent


def caption_of(figure: str) -> str:
    """Return the caption of a figure, empty where there is none.

    That of `domain` is `domain/caption.md`, that of `domain_pools` is `domain/caption_pools.md`.
    """
    lens, _, second = figure.partition("_")
    file = HERE / lens / ("caption.md" if not second else f"caption_{second}.md")
    return file.read_text(encoding="utf-8") if file.is_file() else ""

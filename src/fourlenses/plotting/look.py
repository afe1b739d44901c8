"""What a user may choose of every figure: the config's section `figures`, in force while drawing.

with look.using(look.Look(width=3.3, font="Arial")):
    figure, numbers = registry.draw("quantity", evidence, thresholds=Thresholds())
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Any

from fourlenses.core.errors import UserError

FORMATS = ("svg", "png", "pdf")


@dataclass(frozen=True, kw_only=True)
class Look:
    """The look of figures.

    Attributes:
        formats: of the pictures, among `FORMATS`.
        width: inches; 0: a column of a page for one panel, else the width of a page.
        font: a family that matplotlib finds; the default ships with it, so that every machine
            draws the same bytes.
        font_size: points, of the text in panels; all other sizes follow.
        dpi: dots per inch of the png.
        palette: a colour for a dataset or an entry of `methods`, by name: `#RRGGBB`.
        only: of a column of metrics.csv the values that are drawn; all of a column not named.
    """

    formats: tuple[str, ...] = ("svg", "png")
    width: float = 0.0
    font: str = "DejaVu Sans"
    font_size: float = 7.0
    dpi: int = 300
    palette: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, tuple] = field(default_factory=dict)

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> "Look":
        """Return the look of a config's section `figures`, whose keys are all optional here.

        Raises:
            UserError: there is no such key.
        """
        chosen = {key: value for key, value in section.items() if key != "labels"}
        unknown = sorted(set(chosen) - {part.name for part in fields(cls)})
        if unknown:
            known = ", ".join(part.name for part in fields(cls))
            raise UserError(f"figures.{unknown[0]} is no key; use some of {known}")
        if chosen.get("width") == "auto":
            del chosen["width"]
        if "formats" in chosen:
            chosen["formats"] = tuple(chosen["formats"])
        return cls(**chosen)


DEFAULT = Look()
_CURRENT: ContextVar[Look] = ContextVar("look", default=DEFAULT)


def current() -> Look:
    """Return the look in force."""
    return _CURRENT.get()


@contextmanager
def using(look: Look) -> Iterator[None]:
    """Draw with a look."""
    token = _CURRENT.set(look)
    try:
        yield
    finally:
        _CURRENT.reset(token)

"""The figures of the four lenses, a module each, with `NAME` and `draw(table)`. `study.FIGURES` says which lens they belong to.

`draw` takes the table that `table.read_metrics` returns and gives the figure and the numbers drawn in it, no more, no fewer.
"""

from types import ModuleType

from fourlenses.errors import UserError
from fourlenses.lenses import domain, granularity, quality, quantity, quantity_gain

FIGURES: dict[str, ModuleType] = {module.NAME: module for module in (quantity, domain, quality, granularity, quantity_gain)}


def figure_named(name: str) -> ModuleType:
    """The module of a figure; a ValueError lists those known."""
    if name not in FIGURES:
        raise UserError(f"there is no figure {name!r}; known are {', '.join(FIGURES)}, so name one of those")
    return FIGURES[name]

"""The four lenses: one module per figure of the study, each with `NAME` and `draw(table)`.

`draw` takes the table that `table.read_metrics` returns and gives the figure and the numbers drawn in it, no more, no fewer.
"""

from types import ModuleType

from fourlenses.errors import UserError
from fourlenses.lenses import domain, granularity, quality, quantity

LENSES: dict[str, ModuleType] = {module.NAME: module for module in (quantity, domain, quality, granularity)}


def lens_named(name: str) -> ModuleType:
    """The module of a lens; a ValueError lists those known."""
    if name not in LENSES:
        raise UserError(f"there is no lens {name!r}; known are {', '.join(LENSES)}, so name one of those")
    return LENSES[name]

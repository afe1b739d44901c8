"""The figures of the lenses by name, each a module with `draw(evidence)`.

`draw` takes the study's table with all that is known of its uncertainty
(`analysis.contrasts.Evidence`) and returns the figure and the numbers drawn in it, no more, no
fewer. `study.vocabulary` has their names: `domain` is `lenses/domain/figure.py`, `domain_pools` is
`lenses/domain/pools.py`.
"""

from importlib import import_module
from types import ModuleType

from fourlenses.core.errors import UserError
from fourlenses.study.vocabulary import FIGURES as NAMES
from fourlenses.study.vocabulary import SIMILARITY_FIGURE


def _module(figure: str) -> ModuleType:
    lens, _, second = figure.partition("_")
    return import_module(f"fourlenses.lenses.{lens}.{second or 'figure'}")


FIGURES: dict[str, ModuleType] = {name: _module(name) for name in NAMES}
OF_TWO_TABLES = {SIMILARITY_FIGURE: _module(SIMILARITY_FIGURE)}  # `draw(evidence, similarity)`


def figure_named(name: str) -> ModuleType:
    """Return the module of a figure.

    Raises:
        UserError: there is none; it lists those known.
    """
    known = FIGURES | OF_TWO_TABLES
    if name not in known:
        raise UserError(
            f"there is no figure {name!r}; known are {', '.join(known)}, so name one of those"
        )
    return known[name]

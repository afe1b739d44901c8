"""The figures of the four lenses, a module each, with `NAME` and `draw(evidence)`. `study.vocabulary` says which lens they belong to.

`draw` takes the study's table with all that is known of its uncertainty (`analysis.contrasts.Evidence`) and gives the figure and the
numbers drawn in it, no more, no fewer.
"""

from types import ModuleType

from fourlenses.core.errors import UserError
from fourlenses.lenses.domain import figure as domain
from fourlenses.lenses.domain import pools as domain_pools
from fourlenses.lenses.domain import similarity as domain_similarity
from fourlenses.lenses.granularity import figure as granularity
from fourlenses.lenses.granularity import gap as granularity_gap
from fourlenses.lenses.quality import figure as quality
from fourlenses.lenses.quality import severity as quality_severity
from fourlenses.lenses.quantity import figure as quantity
from fourlenses.lenses.quantity import gain as quantity_gain

FIGURES: dict[str, ModuleType] = {
    module.NAME: module
    for module in (
        quantity,
        quantity_gain,
        domain,
        domain_pools,
        quality,
        quality_severity,
        granularity,
        granularity_gap,
    )
}
OF_TWO_TABLES = {domain_similarity.NAME: domain_similarity}  # `draw(evidence, similarity)`


def figure_named(name: str) -> ModuleType:
    """The module of a figure; a ValueError lists those known."""
    known = FIGURES | OF_TWO_TABLES
    if name not in known:
        raise UserError(
            f"there is no figure {name!r}; known are {', '.join(known)}, so name one of those"
        )
    return known[name]

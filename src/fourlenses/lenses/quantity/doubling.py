"""The gain that twice as many unlabelled images would bring, beyond the largest size measured."""

import math

from fourlenses.analysis import saturation
from fourlenses.analysis.contrasts import Contrast, Evidence, quantile
from fourlenses.core.errors import UserError
from fourlenses.lenses.quantity.finding import Family


def gain_from_doubling(family: Family, evidence: Evidence) -> Contrast | None:
    """Return what `analysis.saturation` expects from the largest size of a family to twice as many.

    None with fewer than four sizes, through which there is no curve, or without a seed in common.
    """
    if len(family.sizes) < saturation.LEAST_SIZES:
        return None
    try:
        curve = saturation.fit_rows(family.curve, evidence)
    except UserError:
        return None
    estimate, low, high = curve.gain_from_doubling(family.sizes[-1])
    # the interval is a bootstrap's and may be lopsided: the wider side counts
    half = max(high - estimate, estimate - low)
    seeds = set.intersection(*(set(family.at(size)["seed"]) for size in family.sizes))
    return Contrast(
        estimate=estimate,
        low=low,
        high=high,
        seeds=len(seeds),
        paired=False,
        standard_error=half / quantile(math.inf),
        freedom=math.inf,
        seed_share=None,  # of a curve through several encoders
    )

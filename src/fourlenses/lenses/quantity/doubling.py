"""The gain that twice as many unlabelled images would bring, beyond the largest size measured."""

import math

from fourlenses.analysis import saturation
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.core.errors import UserError
from fourlenses.lenses.quantity.finding import Family


def gain_from_doubling(family: Family, evidence: Evidence) -> Contrast | None:
    """What `analysis.saturation` expects from the largest size of a family to twice as many, from a curve through four sizes or more; None
    with fewer, through which there is no curve.
    """
    if len(family.sizes) < saturation.LEAST_SIZES:
        return None
    try:
        fit = saturation.fit_rows(family.curve, evidence)
    except UserError:  # no seed in common
        return None
    estimate, low, high = fit.gain_from_doubling(family.sizes[-1])
    error = (
        max(high - estimate, estimate - low) / 1.959964
    )  # of the bootstrap, whose interval may be lopsided: the wider side
    seeds = set.intersection(*(set(family.at(size)["seed"]) for size in family.sizes))
    return Contrast(estimate, low, high, len(seeds), False, error, math.inf)

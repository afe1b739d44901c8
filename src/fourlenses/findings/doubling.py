"""The gain that twice as many unlabelled images would bring, beyond the largest size measured."""

import math

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.errors import UserError
from fourlenses.findings.quantity import Family
from fourlenses.lenses import saturation

CURVES = ("power_law", "shifted_power_law")


def gain_from_doubling(family: Family, evidence: Evidence) -> tuple[Contrast, bool] | None:
    """What `lenses.saturation` expects from the largest size of a family to twice as many, and whether from a curve: with two or three
    sizes it is a straight line in the logarithm, so at most this is gained where the truth saturates. None with one size.
    """
    try:
        fit = saturation.fit_rows(family.curve, evidence)
    except UserError:  # no seed in common
        return None
    estimate, low, high = fit.gain_from_doubling(family.sizes[-1])
    if math.isnan(estimate):
        return None
    error = (high - low) / (2 * 1.959964)  # of the bootstrap; its interval may be lopsided, its p-value is then about right
    seeds = int(family.curve["seed"].nunique())
    return Contrast(estimate, low, high, seeds, False, error, math.inf), fit.kind in CURVES

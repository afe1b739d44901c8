"""The gain that twice as many unlabelled images would bring, beyond the largest size measured."""

import math

import pandas as pd

from fourlenses.lenses import saturation
from fourlenses.lenses.contrasts import Contrast


def gain_from_doubling(curve: pd.DataFrame) -> Contrast | None:
    """From rows of one method, target, label size and protocol with several pretrain_images: what `lenses.saturation` expects from the
    largest size to twice as many. With four sizes or more the curve saturates; with two or three it is a straight line in the
    logarithm, so an upper bound where the truth saturates. None with one size.
    """
    fit = saturation.fit_rows(curve)
    estimate, low, high = fit.gain_from_doubling(int(curve["pretrain_images"].max()))
    if math.isnan(estimate):
        return None
    return Contrast(estimate, low, high, int(curve["seed"].nunique()), False)

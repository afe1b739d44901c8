"""The gain that twice as many unlabelled images would bring, beyond the largest size measured."""

from math import log2

import pandas as pd

from fourlenses.lenses.contrasts import Contrast, weighted


def gain_from_doubling(curve: pd.DataFrame, paired: pd.DataFrame | None) -> Contrast | None:
    """From rows of one method, target, label size and protocol with several pretrain_images: the gain per doubling between the two
    largest sizes, carried on. A curve that saturates gains less from there on, so this is an upper bound then. None with one size.
    """
    sizes = sorted(curve["pretrain_images"].unique())
    if len(sizes) < 2:
        return None
    sides = (curve[curve["pretrain_images"] == size] for size in (sizes[-1], sizes[-2]))
    return weighted([(1 / log2(sizes[-1] / sizes[-2]), *sides)], paired)

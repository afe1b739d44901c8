"""How several seeds become one number with its band: the rule of every figure."""

import pandas as pd

from fourlenses.analysis.contrasts import Evidence

CELL = ["seed", "label_draw"]


def over_seeds(rows: pd.DataFrame, keys: list[str], evidence: Evidence) -> pd.DataFrame:
    """Return one row per value of ``keys``, in order of first appearance.

    Its columns are the keys, top1 (the mean), top1_low, top1_high and seeds (how many). The band is
    the 95 % interval of the mean, over test images and seeds (`Evidence.mean`). That of one seed is
    widened by the standard deviation over seeds of the study's other cells, or a stated one. Of two
    sources that the keys do not distinguish (`birds-all` and `birds-3000`, where it has 3,000) the
    first is taken.
    """
    averaged = []
    for values, cell in rows.drop_duplicates([*keys, *CELL]).groupby(keys, sort=False):
        mean = evidence.mean(cell)
        averaged.append([*values, mean.estimate, mean.low, mean.high, mean.seeds])
    return pd.DataFrame(averaged, columns=[*keys, "top1", "top1_low", "top1_high", "seeds"])

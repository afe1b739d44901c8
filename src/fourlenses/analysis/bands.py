"""How several seeds become one number with its band: the rule of every figure."""

import pandas as pd

from fourlenses.analysis.contrasts import Evidence

CELL = ["seed", "label_draw"]


def over_seeds(rows: pd.DataFrame, keys: list[str], evidence: Evidence) -> pd.DataFrame:
    """One row per value of `keys`, in order of first appearance: mean top1, its band, and the number of seeds.

    The band is the 95 % interval of the mean, over the test images and the seeds (`Evidence.mean`). One seed's is widened by the
    standard deviation over seeds of the study's other cells, or a stated one. Of two sources that `keys` do not tell apart (`birds-all`
    and `birds-3000`, where it has 3,000) the first is taken.
    """
    found = []
    for values, cell in rows.groupby(keys, sort=False):
        mean = evidence.mean(cell.drop_duplicates(CELL))
        found.append([*values, mean.estimate, mean.low, mean.high, mean.seeds])
    return pd.DataFrame(found, columns=[*keys, "top1", "top1_low", "top1_high", "seeds"])

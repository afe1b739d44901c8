"""The evidence that a planned study is expected to give."""

from dataclasses import replace

import numpy as np
import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.joint_counts import CELL, Group, JointCounts
from fourlenses.analysis.seed_variance import Common, SeedVariance
from fourlenses.power.assumptions import Assumptions

MANY = 10**12  # test images that leave the uncertainty of the seeds alone


def expected(
    rows: pd.DataFrame,
    assumptions: Assumptions,
    *,
    endless_images: bool = False,
    known_variance: bool = False,
) -> Evidence:
    """Return the evidence of a study's rows, each with the accuracy that is expected of it.

    Args:
        rows: of `planned_rows`.
        assumptions: what is expected.
        endless_images: as if there were no end of test images.
        known_variance: as if the variance between seeds were known, not estimated from few seeds.
    """
    table = rows.assign(top1=assumptions.top1s(rows))
    joint = _joint(table, assumptions)
    if endless_images:
        table["n_test"] = MANY
    spread = assumptions.seed_variance(table)
    # text as Python's own and all columns of a kind in one block (copy): rows are then taken from
    # it many times as fast
    text = table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]
    table = table.astype(dict.fromkeys(text, object)).copy()
    return Evidence(table, joint, _known(spread) if known_variance else spread)


def _joint(table: pd.DataFrame, assumptions: Assumptions) -> JointCounts:
    joint: JointCounts = {}
    for (target, labels), rows in table.groupby(["target", "labelled_images"], sort=False):
        cells = list(zip(*(rows[name] for name in CELL), strict=True))
        share = rows["top1"].to_numpy() / 100
        spread = np.sqrt(share * (1 - share))
        covariance = assumptions.correlations(target, cells) * np.outer(spread, spread)
        # no two are right together more often than the one that is right less often
        most = np.minimum(share[:, None], share) - np.outer(share, share)
        places = {cell: place for place, cell in enumerate(cells)}
        joint[target, int(labels)] = Group(places, np.minimum(covariance, most))
    return joint


def _known(spread: SeedVariance) -> SeedVariance:
    def known(common: Common) -> Common:
        return replace(common, most=np.inf)

    kinds = {kind: known(common) for kind, common in spread.kinds.items()}
    return replace(spread, every=known(spread.every), kinds=kinds)

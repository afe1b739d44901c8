"""Which encoders of a quantity study are compared over images: those of equally many steps, apart from those that differ in length too.

A method entry may come with others made from it (`training_length`): `simclr_steps`, the smaller sizes at as many steps as the largest;
`simclr_half` and `simclr_twice`, the largest size at half and twice its steps, which say whether training was long enough to tell.
"""

import pandas as pd

from fourlenses.findings.selection import EQUAL_STEPS, equal_steps, step_counts
from fourlenses.study import entry_of

EQUAL, UNEQUAL, CONTROL = "equal steps", "unequal steps", "control"  # values of the column `curve`
ONE_SIZE = "one size"
UNEQUAL_IMAGES = "pretraining images (and, with them, training length)"
FAMILY = ["target", "entry", "protocol"]
CONTROLS = {"half": "half the steps", "twice": "twice the steps"}


def with_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of pretrained encoders with `entry`, `curve`, `length` (steps of the curve, 0 where they are not equal or known) and numeric
    `steps`. A row that is of two curves is there twice: at the largest size `simclr` has the steps of `simclr_steps`.

    Per target, entry and protocol the most sizes of equal steps are one curve; of two lengths of as many sizes the longer. The entry
    itself is another where its sizes are not all in that. What else there is of the largest size are controls.
    """
    rows = rows.assign(entry=rows["method"].map(entry_of), steps=step_counts(rows))
    parts = [_family(group) for _, group in rows.groupby(FAMILY, sort=False)]
    return pd.concat(parts, ignore_index=True)


def _family(rows: pd.DataFrame) -> pd.DataFrame:
    plain = rows[rows["method"] == rows["entry"].iloc[0]]
    if rows["pretrain_images"].nunique() < 2:
        return pd.concat([_curve(plain, ONE_SIZE), _controls(rows, plain)])
    equal = _equal(rows)
    rest = _curve(plain, UNEQUAL) if len(plain[~plain.index.isin(equal.index)]) else plain.iloc[:0]
    rest = rest if rest["pretrain_images"].nunique() > 1 or equal.empty else rest.iloc[:0]
    curve = equal if len(equal) else plain
    return pd.concat([_curve(equal, EQUAL), rest, _controls(rows, curve)])


def _equal(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the most sizes that were trained for equally many steps, one entry a size; none where no two were."""
    best = rows.iloc[:0]
    for steps in sorted(rows.loc[rows["steps"] > 0, "steps"].unique()):
        same = rows[rows["steps"].between(steps, EQUAL_STEPS * steps)]
        if same["pretrain_images"].nunique() >= max(2, best["pretrain_images"].nunique()):
            best = same
    return best[best["method"] == best.groupby("pretrain_images")["method"].transform("first")]


def _curve(rows: pd.DataFrame, curve: str) -> pd.DataFrame:
    return rows.assign(
        curve=curve, length=int(rows["steps"].max()) if equal_steps(rows["steps"]) else 0
    )


def _controls(rows: pd.DataFrame, curve: pd.DataFrame) -> pd.DataFrame:
    """The largest size at another length than in the curve."""
    largest = rows[
        (rows["pretrain_images"] == curve["pretrain_images"].max()) & ~rows.index.isin(curve.index)
    ]
    return _curve(largest[largest["method"].map(ending).isin(CONTROLS)], CONTROL)


def ending(method: str) -> str:
    """`simclr_half` -> `half`; nothing for an entry of the config."""
    entry = entry_of(method)
    return method.removeprefix(f"{entry}_") if entry != method else ""


def images_label(curve: str, length: int) -> str:
    """Of an axis of pretraining images."""
    if curve == UNEQUAL:
        return UNEQUAL_IMAGES
    return (
        f"pretraining images, at {int(length):,} steps each"
        if curve == EQUAL
        else "pretraining images"
    )

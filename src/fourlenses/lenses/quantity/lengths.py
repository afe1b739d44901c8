"""Training lengths in the quantity lens: which encoders are compared over images.

Encoders of equally many steps make a curve, apart from those that differ in length too. A method's
entry may come with others derived from it (docs/reference/pretraining.md): `simclr_steps`, the
smaller sizes at as many steps as the largest; `simclr_half` and `simclr_twice`, the largest size at
half and twice its steps, which tell whether training was long enough.
"""

import pandas as pd
from matplotlib.axes import Axes

from fourlenses.findings.selection import EQUAL_STEPS, equal_steps, step_counts
from fourlenses.plotting import style
from fourlenses.study import entry_of, names

EQUAL, UNEQUAL, CONTROL = "equal steps", "unequal steps", "control"  # values of the column `curve`
ONE_SIZE = "one size"
UNEQUAL_IMAGES = "pretraining images (and, with them, training length)"
FAMILY = ["target", "entry", "protocol"]
CONTROLS = {"half": "half the steps", "twice": "twice the steps"}
TRIANGLES = {"half": "v", "twice": "^"}


def with_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of pretrained encoders with the curve each belongs to.

    Per target, entry and protocol the most sizes of equal steps are one curve; of two lengths of
    as many sizes the longer. The entry itself is another where its sizes are not all in that. What
    else there is of the largest size are controls. A row of two curves is there twice: at the
    largest size `simclr` has the steps of `simclr_steps`.

    Returns:
        The rows with `entry`, `curve`, `length` (steps of the curve, 0 where they are not equal or
        not known) and numeric `steps`.
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
    """Return the most sizes that were trained for equally many steps, one entry a size; none where
    no two were."""
    best = rows.iloc[:0]
    for steps in sorted(rows.loc[rows["steps"] > 0, "steps"].unique()):
        same = rows[rows["steps"].between(steps, EQUAL_STEPS * steps)]
        if same["pretrain_images"].nunique() >= max(2, best["pretrain_images"].nunique()):
            best = same
    return best[best["method"] == best.groupby("pretrain_images")["method"].transform("first")]


def _curve(rows: pd.DataFrame, curve: str) -> pd.DataFrame:
    length = int(rows["steps"].max()) if equal_steps(rows["steps"]) else 0
    return rows.assign(curve=curve, length=length)


def _controls(rows: pd.DataFrame, curve: pd.DataFrame) -> pd.DataFrame:
    """Return the largest size at another length than in the curve."""
    largest = rows["pretrain_images"] == curve["pretrain_images"].max()
    others = rows[largest & ~rows.index.isin(curve.index)]
    return _curve(others[others["method"].map(ending).isin(CONTROLS)], CONTROL)


def ending(method: str) -> str:
    """Return `half` of `simclr_half`; nothing of an entry of the config."""
    entry = entry_of(method)
    return method.removeprefix(f"{entry}_") if entry != method else ""


def images_label(curve: str, length: int) -> str:
    """Return the label of an axis of pretraining images."""
    if curve == UNEQUAL:
        return UNEQUAL_IMAGES
    at = f", at {int(length):,} steps each" if curve == EQUAL else ""
    return f"pretraining images{at}"


def draw_controls(axes: Axes, rows: pd.DataFrame, *, x: str, lines: str, colours: dict) -> None:
    """Draw the largest size at other lengths, as triangles in the colours of their lines.

    Args:
        axes: the panel.
        rows: the numbers of the panel.
        x: the column across.
        lines: the column that a line has one value of.
        colours: of each such value.
    """
    edge: style.Look = {"markersize": 5, "markeredgecolor": "black", "markeredgewidth": 0.5}
    controls = rows[rows["curve"] == CONTROL]
    for control in controls.itertuples():
        across, colour = getattr(control, x), colours[getattr(control, lines)]
        marker = TRIANGLES[ending(control.method)]
        axes.vlines(across, control.top1_low, control.top1_high, color=colour, linewidth=0.6)
        look: style.Look = {"color": colour, "marker": marker, "linestyle": "none", "zorder": 4}
        axes.plot(across, control.top1, **look, **edge)
    for method in dict.fromkeys(controls["method"]):
        images = names.count(controls["pretrain_images"].max())
        label = f"{images} images, {CONTROLS[ending(method)]}"
        marker = TRIANGLES[ending(method)]
        axes.plot([], [], color="white", marker=marker, linestyle="none", label=label, **edge)

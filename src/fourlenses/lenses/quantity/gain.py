"""Data quantity the other way round (the paper's Fig. 2, read along the other axis): what a doubling of the pretraining images buys.

One panel per target. Above, accuracy against pretraining images at each number of labelled images: the points measured, and the curve
of `saturation` through them with its 95 % band. Below, the gain that the curve expects from doubling the pretraining images, with a
line at a modest gain (points) and a triangle where the curve falls below it (its interval is in the CSV). Curves go on, dotted, to twice
the largest size. Several contrastive methods, or fine-tuning beside the linear classifier, each add their rows of panels.

Curves are fitted through sizes of equal steps. Where sizes differ in steps, images and training length grow together, and the panel says
so in place of a gain.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison, saturation
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.lenses.quantity import figure as quantity_figure
from fourlenses.lenses.quantity import lengths
from fourlenses.plotting import basis, chance, hollow, panels, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import PROTOCOLS

NAME = "quantity_gain"
CURVE = ["target", "entry", "protocol", "labelled_images"]
KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]
MODEST_GAIN = 2.0  # points per doubling
PANEL_HEIGHT = 2.0  # inches, with axis labels
ONE_SIZE = "One number of pretraining images:\nthe gain from more is not known."
POWER_LAWS = ("power_law", "shifted_power_law")
LINE = "line through the last two sizes: at most this"
CONFOUNDED, NO_SEED = "unequal_steps", "no_common_seed"  # values of `fit` where no curve is fitted

Curves = dict[tuple, saturation.Fit]


def rows_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """The encoders of each curve: of equal steps where the study has them, else of one entry whatever its steps."""
    rows = quantity_figure.pretrained_rows(metrics)
    rows = rows[rows["curve"] != lengths.CONTROL]
    equal = (
        (rows["curve"] == lengths.EQUAL)
        .groupby([rows[key] for key in lengths.FAMILY])
        .transform("any")
    )
    return rows[(rows["curve"] != lengths.UNEQUAL) | ~equal]


def fits(evidence: Evidence) -> Curves:
    """The curve of each target, method entry, protocol and number of labelled images (`CURVE`), through all seeds and draws of labels;
    none where sizes differ in steps, or have no seed in common."""
    found = {}
    for key, group in rows_of(evidence.metrics).groupby(CURVE):
        if (group["curve"] != lengths.UNEQUAL).all():
            try:
                found[key] = saturation.fit_rows(group, evidence)
            except UserError:
                continue
    return found


def numbers_drawn(
    evidence: Evidence, modest_gain: float = MODEST_GAIN, curves: Curves | None = None
) -> pd.DataFrame:
    """One row per point, with the curve there (`fitted`), the `gain` from doubling it, and what belongs to the curve as a whole.

    Of the whole curve are `fit`, `ceiling`, `scale`, `exponent`, `shift` and `enough_images`, beyond which a doubling gains less than
    `modest_gain`. Methods and protocols with one number of pretraining images are left out where others have several.
    """
    rows = rows_of(evidence.metrics)
    curves = fits(evidence) if curves is None else curves
    sizes = rows.groupby(["entry", "protocol"])["pretrain_images"].transform("nunique")
    rows = rows[sizes > 1] if (sizes > 1).any() else rows
    order = [*CURVE, "pretrain_images"]
    numbers = bands.over_seeds(rows, [*order, "method", "curve", "steps"], evidence).sort_values(
        order, kind="stable", ignore_index=True
    )
    numbers["published"] = published_comparison.published_top1(numbers, rows, KEYS)
    numbers["chance"] = chance.beside(
        numbers, quantity_figure.rows_of(evidence.metrics), ["target"]
    )
    found = []
    for *curve, images in zip(*(numbers[key] for key in order), strict=True):
        found.append(_of_curve(curves.get(tuple(curve)), images, modest_gain))
    numbers = pd.concat([numbers, pd.DataFrame(found)], axis=1)
    numbers.loc[numbers["curve"] == lengths.UNEQUAL, "fit"] = CONFOUNDED
    return numbers


def _of_curve(fit: saturation.Fit | None, images: int, modest_gain: float) -> dict:
    parameters = ("ceiling", "scale", "exponent", "shift")
    nothing = (float("nan"),) * 3
    return {
        **_bounds("fitted", fit.predict(images) if fit else nothing),
        **_bounds("gain", fit.gain_from_doubling(images) if fit else nothing),
        "fit": fit.kind if fit else NO_SEED,
        **{name: getattr(fit, name)[0] if fit else float("nan") for name in parameters},
        "modest_gain": modest_gain,
        **_bounds("enough_images", fit.enough_images(modest_gain) if fit else nothing),
    }


def _bounds(name: str, interval: saturation.Interval) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


@style.context()
def draw(evidence: Evidence, modest_gain: float = MODEST_GAIN) -> tuple[Figure, pd.DataFrame]:
    """The figure, and a row per point measured."""
    curves = fits(evidence)
    numbers = numbers_drawn(evidence, modest_gain, curves)
    longer = quantity_figure.longer_first(evidence)
    targets = sorted(numbers["target"].unique())
    blocks = [
        (entry, protocol)
        for entry in methods.in_order(numbers["entry"])
        for protocol in names.in_order(numbers["protocol"], PROTOCOLS)
        if len(numbers[(numbers["entry"] == entry) & (numbers["protocol"] == protocol)])
    ]
    figure = style.new_figure(len(targets), height=(2 * PANEL_HEIGHT + 0.5) * len(blocks))
    dataset_colours = style.dataset_colours(evidence.metrics["target"])
    colours = style.quantity_colours(numbers["labelled_images"], "plasma")
    parts = figure.subfigures(len(blocks), 1, squeeze=False)[:, 0]
    for place, (part, (entry, protocol)) in enumerate(zip(parts, blocks, strict=True)):
        grid = part.subplots(2, len(targets), squeeze=False, sharex="col")
        for (above, below), target in zip(grid.T, targets, strict=True):
            own = numbers[
                (numbers["target"] == target)
                & (numbers["entry"] == entry)
                & (numbers["protocol"] == protocol)
            ]
            if own.empty:  # this method was not run on this target
                above.set_axis_off()
                below.set_axis_off()
                continue
            for labelled, rows in own.groupby("labelled_images"):
                fit = curves.get((target, entry, protocol, labelled))
                _accuracy(above, rows, fit, colours[labelled])
                if fit:
                    _gain(below, rows, fit, colours[labelled])
            chance.line(above, own, near=own["top1"])
            _frame(above, below, own, modest_gain)
            if protocol == "linear" and (target, entry) in longer:
                panels.note(below, quantity_figure.LONGER_FIRST)
            if place == 0:
                panels.title(above, names.dataset(target), dataset_colours[target])
        first = next(column for column in grid.T if column[0].axison)
        first[0].set_ylabel(
            f"top-1 accuracy, %\n({methods.label(entry)}, {names.protocol(protocol)})"
        )
        first[1].set_ylabel("expected gain from\na doubling, points")
        panels.legend_below(part, columns=2 if len(targets) == 1 else 4)
    basis.write(figure, basis.text(evidence, numbers["entry"], numbers["seeds"]))
    return figure, numbers


def _accuracy(axes: Axes, rows: pd.DataFrame, fit: saturation.Fit | None, colour: object) -> None:
    """The points with whiskers, and the curve with its band."""
    label = f"{names.count(rows['labelled_images'].iloc[0])} labelled images"
    axes.plot(
        rows["pretrain_images"],
        rows["top1"],
        color=colour,
        label=label,
        marker="o",
        linestyle="none",
    )
    axes.vlines(
        rows["pretrain_images"], rows["top1_low"], rows["top1_high"], color=colour, linewidth=0.8
    )
    if fit:
        _curve(axes, fit, fit.predict, colour)
    hollow.mark(axes, rows["pretrain_images"], rows["published"], colour)


def _gain(axes: Axes, rows: pd.DataFrame, fit: saturation.Fit, colour: object) -> None:
    """The gain per doubling with its band, and a triangle where it falls below the modest one within the sizes measured."""
    _curve(axes, fit, fit.gain_from_doubling, colour)
    modest, enough = rows[["modest_gain", "enough_images"]].iloc[0]
    if fit.kind in POWER_LAWS and fit.sizes[0] < enough <= 2 * fit.sizes[-1]:
        axes.plot(
            [enough],
            [modest],
            color=colour,
            marker="v",
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=3,
        )


def _curve(axes: Axes, fit: saturation.Fit, function, colour: object) -> None:
    """`function` of the images, with its band: solid over the sizes measured, dotted to their double; dashed where it is a line only."""
    if fit.kind == "one_size":
        return
    first, last = fit.sizes[0 if fit.kind in POWER_LAWS else -2], fit.sizes[-1]
    images = np.append(np.geomspace(first, last, 40), np.geomspace(last, 2 * last, 8)[1:])
    middle, low, high = np.transpose([function(one) for one in images])
    style_within = "-" if fit.kind in POWER_LAWS else "--"
    axes.plot(images[:40], middle[:40], color=colour, linestyle=style_within)
    axes.plot(images[39:], middle[39:], color=colour, linestyle=":")
    axes.fill_between(images, low, high, color=colour, alpha=0.13, linewidth=0)


def _frame(above: Axes, below: Axes, own: pd.DataFrame, modest_gain: float) -> None:
    """Axes of images, the line at the modest gain, and a sentence in place of gains that cannot be known."""
    steps = own["steps"].max()
    for axes in (above, below):
        panels.images_axis(
            axes, own["pretrain_images"], lengths.images_label(own["curve"].iloc[0], int(steps))
        )
    above.set_xlabel("")
    above.tick_params(axis="x", labelbottom=False)
    instead = _in_place_of_gains(own)
    if instead:
        below.text(
            0.5,
            0.5,
            instead,
            transform=below.transAxes,
            ha="center",
            va="center",
            color="#4D4D4D",
            linespacing=1.4,
        )
        below.set_yticks([])
        below.grid(False)
        return
    first, last = own["pretrain_images"].min(), own["pretrain_images"].max()
    below.set_xlim(first / 1.25, last * 2.2)
    below.axhline(
        modest_gain,
        color="black",
        linewidth=0.8,
        linestyle=(0, (1, 1.5)),
        label=f"a gain of {modest_gain:g} points",
    )
    if (own["fit"] == "log_linear").any():
        below.plot([], [], color="#4D4D4D", linestyle="--", label=LINE)
    # bands can be far wider than any gain; they are cut off rather than flatten the curves
    top = max(1.5 * modest_gain, 1.3 * own["gain"].max())
    bottom = 1.3 * min(0.0, own["gain"].min())
    below.set_ylim(bottom, top)
    if bottom < 0:
        below.axhline(0, color="black", linewidth=0.5)


def _in_place_of_gains(own: pd.DataFrame) -> str:
    """Why no gain is drawn in a panel; nothing where one is."""
    if (own["fit"] == CONFOUNDED).all():
        images, steps = (sorted(own[key].unique()) for key in ("pretrain_images", "steps"))
        times = f"{images[-1] / images[0]:.2g} times the images"
        length = (
            f"{steps[-1] / steps[0]:.2g} times the training"
            if steps[0] > 0
            else "longer training with them"
        )
        return f"{times} and\n{length}:\nno gain from images alone\ncan be read"
    if (own["fit"] == NO_SEED).all():
        return "The sizes have no seed in common:\nno curve is fitted."
    return ONE_SIZE if own["fit"].isin(["one_size", NO_SEED]).all() else ""

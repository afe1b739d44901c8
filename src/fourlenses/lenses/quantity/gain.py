"""Gain from more pretraining images (the paper's Figure 2): what a doubling adds to top-1.

With four sizes or more: above, accuracy against pretraining images at each number of labelled
images, the points measured and the curve of `analysis.saturation` through them with its 95 % band;
below, the gain that the curve expects from doubling the pretraining images, with its interval at
each size and a line at a modest gain (points). Curves go on, dotted, to twice the largest size.

With two or three sizes there is no curve to tell: the gain per doubling from the second largest
size to the largest, a dot per number of labelled images, and nothing beyond. Each contrastive
method, and fine-tuning next to the linear classifier, has dots of its own.

Sizes are of equal steps. Where they differ in steps, images and training length grow together, and
no gain is drawn.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison, saturation
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.lenses.quantity import figure as quantity_figure
from fourlenses.lenses.quantity import lengths
from fourlenses.plotting import (
    chance,
    colours,
    ends,
    footer,
    panels,
    published_markers,
    style,
    ticks,
)
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import PROTOCOLS

CURVE = ["target", "entry", "protocol", "labelled_images"]
KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]
MODEST_GAIN = 2.0  # points per doubling
PANEL_HEIGHT = 1.7  # inches, with axis labels
LEAST_PANEL = 1.6  # inches across, with labels
POWER_LAWS = ("power_law", "shifted_power_law")
DOUBLING = "log_linear"
CONFOUNDED, NO_SEED = "unequal_steps", "no_common_seed"  # values of `fit` where no curve is fitted
FILLS = ("full", "none", "left", "right")  # of markers, by protocol

Curves = dict[tuple, saturation.Fit]


def rows_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the encoders of each curve: of equal steps where the study has them, else of one
    entry whatever its steps."""
    rows = quantity_figure.pretrained_rows(metrics)
    rows = rows[rows["curve"] != lengths.CONTROL]
    equal = rows["curve"] == lengths.EQUAL
    has_equal = equal.groupby([rows[key] for key in lengths.FAMILY]).transform("any")
    return rows[(rows["curve"] != lengths.UNEQUAL) | ~has_equal]


def fits(evidence: Evidence) -> Curves:
    """Return the curve of each target, method entry, protocol and number of labelled images
    (`CURVE`), through all seeds and draws of labels.

    There is none where sizes differ in steps, or have no seed in common.
    """
    curves = {}
    for key, group in rows_of(evidence.metrics).groupby(CURVE):
        if (group["curve"] != lengths.UNEQUAL).all():
            try:
                curves[key] = saturation.fit_rows(group, evidence)
            except UserError:
                continue
    return curves


def numbers_drawn(
    evidence: Evidence, modest_gain: float = MODEST_GAIN, curves: Curves | None = None
) -> pd.DataFrame:
    """Return one row per point measured.

    Methods and protocols with one number of pretraining images are left out where others have
    several.

    Args:
        evidence: the study's table.
        modest_gain: points per doubling.
        curves: those of `fits`, where they are known already.

    Returns:
        With the curve at the point (`fitted`), the `gain` from doubling it, and of the whole curve
        `fit`, `ceiling`, `scale`, `exponent`, `shift` and `enough_images`, beyond which a doubling
        gains less than `modest_gain`.
    """
    rows = rows_of(evidence.metrics)
    curves = fits(evidence) if curves is None else curves
    sizes = rows.groupby(["entry", "protocol"])["pretrain_images"].transform("nunique")
    rows = rows[sizes > 1] if (sizes > 1).any() else rows
    order = [*CURVE, "pretrain_images"]
    numbers = bands.over_seeds(rows, [*order, "method", "curve", "steps"], evidence)
    numbers = numbers.sort_values(order, kind="stable", ignore_index=True)
    numbers["published"] = published_comparison.published_top1(numbers, rows, KEYS)
    all_rows = quantity_figure.rows_of(evidence.metrics)
    numbers["chance"] = chance.top1_by_chance(numbers, all_rows, ["target"])
    fitted = [
        _of_curve(curves.get(tuple(curve)), images, modest_gain)
        for *curve, images in zip(*(numbers[key] for key in order), strict=True)
    ]
    numbers = pd.concat([numbers, pd.DataFrame(fitted)], axis=1)
    numbers["largest"] = numbers.groupby(CURVE)["pretrain_images"].transform("max")
    numbers.loc[numbers["curve"] == lengths.UNEQUAL, "fit"] = CONFOUNDED
    return numbers


def _of_curve(fit: saturation.Fit | None, images: int, modest_gain: float) -> dict:
    parameters = ("ceiling", "scale", "exponent", "shift")
    nothing = (float("nan"),) * 3
    return {
        **_bounds("fitted", fit.predict(images) if fit else nothing),
        **_bounds("gain", fit.gain_from_doubling(images) if fit else nothing),
        "fit": fit.kind if fit else NO_SEED,
        **{name: getattr(fit.parameters, name)[0] if fit else float("nan") for name in parameters},
        "modest_gain": modest_gain,
        **_bounds("enough_images", fit.enough_images(modest_gain) if fit else nothing),
    }


def _bounds(name: str, interval: saturation.Interval) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


@style.context()
def draw(
    evidence: Evidence, modest_gain: float = MODEST_GAIN
) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure, and a row per point or gain drawn."""
    curves = fits(evidence)
    numbers = _drawn(numbers_drawn(evidence, modest_gain, curves))
    if numbers.empty:
        return None, numbers
    longer = quantity_figure.longer_first(evidence)
    targets = sorted(numbers["target"].unique())
    curved, doublings = (numbers[numbers["fit"].isin(kinds)] for kinds in (POWER_LAWS, (DOUBLING,)))
    families = _families(curved)
    per_row = style.columns(len(targets), LEAST_PANEL)
    blocks = 2 * len(families) + (len(doublings) > 0)
    height = 0.4 + PANEL_HEIGHT * blocks * -(-len(targets) // per_row)
    figure = style.new_figure(len(targets), height=height)
    grid = panels.grid(figure, len(targets), per_row=per_row, blocks=blocks)
    for index, (entry, protocol) in enumerate(families):
        shown = curved[(curved["entry"] == entry) & (curved["protocol"] == protocol)]
        for column, target in enumerate(targets):
            above, below = grid[2 * index : 2 * index + 2, column]
            rows = shown[shown["target"] == target]
            if rows.empty:
                above.set_axis_off()
                below.set_axis_off()
                continue
            _column(above, below, rows, curves=curves)
            if protocol == "linear" and (target, entry) in longer:
                panels.room_above(below, 0.25)
                panels.note(below, quantity_figure.LONGER_FIRST)
            above.set_title(names.dataset(target))
        _label_columns(grid[2 * index : 2 * index + 2], per_row, shown=shown)
    if len(doublings):
        _last_doublings(grid[-1], doublings, targets, per_row=per_row)
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 4)
    shown_methods, seeds = numbers["entry"], numbers["seeds"]
    footer.write(
        figure, footer.text(evidence, shown_methods, seeds, lens="quantity", targets=targets)
    )
    return figure, numbers


def _drawn(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return the points of curves, and of other families the gain of the last doubling, which
    stands at its smaller size."""
    sizes = numbers.groupby(CURVE)["pretrain_images"].rank(method="dense", ascending=False)
    last = (numbers["fit"] == DOUBLING) & (sizes == 2)
    return numbers[numbers["fit"].isin(POWER_LAWS) | last].reset_index(drop=True)


def _families(numbers: pd.DataFrame) -> list[tuple[str, str]]:
    """Return method entries and protocols, in the order of the figures."""
    pairs = set(zip(numbers["entry"], numbers["protocol"], strict=True))
    return [
        (entry, protocol)
        for entry in methods.in_order(numbers["entry"])
        for protocol in names.in_order(numbers["protocol"], PROTOCOLS)
        if (entry, protocol) in pairs
    ]


def _label_columns(pair: np.ndarray, per_row: int, *, shown: pd.DataFrame) -> None:
    """Label the y axes of accuracies and gains at the left, and what the lines are at the right."""
    entry, protocol = shown[["entry", "protocol"]].iloc[0]
    method = methods.label(entry)
    above, below = ([axes for axes in row if axes.axison] for row in pair)
    for axes in above[::per_row]:
        axes.set_ylabel(f"top-1 accuracy, %\n({method}, {names.protocol(protocol)})")
    for axes in below[::per_row]:
        axes.set_ylabel("expected gain from\na doubling, points")
    for row in (above, below):
        ends.head(row[-1], "labels")


def _last_doublings(
    axes_of: np.ndarray, numbers: pd.DataFrame, targets: list[str], *, per_row: int
) -> None:
    """Draw the gain per doubling between the two largest sizes, a dot per label size."""
    families = _families(numbers)
    fills = {
        name: FILLS[index % len(FILLS)]
        for index, name in enumerate(names.in_order(numbers["protocol"], PROTOCOLS))
    }
    for column, (axes, target) in enumerate(zip(axes_of, targets, strict=True)):
        rows = numbers[numbers["target"] == target]
        if rows.empty:
            axes.set_axis_off()
            continue
        labels = sorted(rows["labelled_images"].unique())
        for index, (entry, protocol) in enumerate(families):
            dots = rows[(rows["entry"] == entry) & (rows["protocol"] == protocol)]
            shift = (index - (len(families) - 1) / 2) * 0.5 / len(families)
            x = dots["labelled_images"].map(labels.index).astype(float) + shift
            look: style.Look = {"color": colours.of_method(entry)}
            axes.vlines(x, dots["gain_low"], dots["gain_high"], linewidth=0.9, **look)
            look |= {"marker": methods.marker(entry), "fillstyle": fills[protocol]}
            label = f"{methods.label(entry)}, {names.protocol(protocol)}"
            named = label if len(families) > 1 else "_"
            axes.plot(x, dots["gain"], linestyle="none", markersize=4.5, label=named, **look)
        axes.set_xticks(range(len(labels)), [names.count(number) for number in labels])
        axes.set_xlim(-0.6, len(labels) - 0.4)
        ticks.thinned(axes)
        axes.set_xlabel("labelled images")
        axes.set_title(f"{names.dataset(target)}\n{_sizes(rows)}")
        _zero_and_modest(axes, rows["modest_gain"].iloc[0])
        if column % per_row == 0:
            axes.set_ylabel(f"gain per doubling of the\nimages, points ({panels.BETTER_UP})")


def _sizes(rows: pd.DataFrame) -> str:
    """Return `4k → 12k images`, the two largest sizes of a target."""
    first = rows.iloc[0]
    return f"{names.count(first['pretrain_images'])} → {names.count(first['largest'])} images"


def _zero_and_modest(axes: Axes, modest_gain: float) -> None:
    """Draw lines at no gain and at a modest one, and the grid."""
    axes.axhline(0, color="black", linewidth=0.6)
    dots: style.Look = {"linewidth": 0.8, "linestyle": (0, (1, 1.5))}
    axes.axhline(modest_gain, color="black", label=f"a gain of {modest_gain:g} points", **dots)
    panels.accuracy_axis(axes)


def _column(above: Axes, below: Axes, rows: pd.DataFrame, *, curves: Curves) -> None:
    """Draw accuracies and gains of one method, protocol and target."""
    groups = list(rows.groupby("labelled_images"))
    shades = colours.of_quantities([number for number, _ in groups], "plasma")
    for index, (n_labels, points) in enumerate(groups):
        target, entry, protocol = points[["target", "entry", "protocol"]].iloc[0]
        fit = curves[target, entry, protocol, n_labels]
        dodge = 1.05 ** (index - (len(groups) - 1) / 2)
        _accuracy(above, points, fit, colour=shades[n_labels])
        _gain(below, points, fit, colour=shades[n_labels], dodge=dodge)
    label = lengths.images_label(rows["curve"].iloc[0], int(rows["steps"].max()))
    for axes in (above, below):
        panels.images_axis(axes, rows["pretrain_images"], label)
        axes.set_xlim(rows["pretrain_images"].min() / 1.25, rows["pretrain_images"].max() * 2.2)
    above.set_xlabel("")
    chance.line(above, rows, keep_range_of=rows["top1"])
    _zero_and_modest(below, rows["modest_gain"].iloc[0])


def _accuracy(axes: Axes, rows: pd.DataFrame, fit: saturation.Fit, *, colour: object) -> None:
    """Draw the points with whiskers, and the curve with its band."""
    images, top1 = rows["pretrain_images"], rows["top1"]
    axes.plot(images, top1, color=colour, marker="o", linestyle="none")
    axes.vlines(images, rows["top1_low"], rows["top1_high"], color=colour, linewidth=0.8)
    x, middle, low, high = _curve(fit, fit.predict)
    _draw_curve(axes, x, middle, colour=colour)
    axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    end = names.count(rows["labelled_images"].iloc[0])
    ends.add(axes, end, x=x[-1], y=middle[-1], colour=colour, marker="o")
    published_markers.draw(axes, images, rows["published"], colour=colour)


def _gain(
    axes: Axes, rows: pd.DataFrame, fit: saturation.Fit, *, colour: object, dodge: float
) -> None:
    """Draw the gain per doubling, with its interval at each size: bands would lie over each
    other."""
    x, middle, _, _ = _curve(fit, fit.gain_from_doubling)
    _draw_curve(axes, x, middle, colour=colour)
    images = dodge * rows["pretrain_images"]
    axes.plot(images, rows["gain"], color=colour, marker="o", linestyle="none", markersize=2.2)
    axes.vlines(images, rows["gain_low"], rows["gain_high"], color=colour, linewidth=0.7)
    end = names.count(rows["labelled_images"].iloc[0])
    ends.add(axes, end, x=x[-1], y=middle[-1], colour=colour, marker="o")


def _curve(
    fit: saturation.Fit, function: Callable[[float], saturation.Interval]
) -> tuple[np.ndarray, ...]:
    """Return images, and of a function of them the value and both bounds; over the sizes measured
    and to twice the largest."""
    first, last = fit.sizes[0], fit.sizes[-1]
    images = np.append(np.geomspace(first, last, 40), np.geomspace(last, 2 * last, 8)[1:])
    middle, low, high = np.transpose([function(number) for number in images])
    return images, middle, low, high


def _draw_curve(axes: Axes, images: np.ndarray, values: np.ndarray, *, colour: object) -> None:
    """Solid over the sizes measured, dotted to their double."""
    axes.plot(images[:40], values[:40], color=colour)
    axes.plot(images[39:], values[39:], color=colour, linestyle=":")

"""Gain from more pretraining images (the paper's Figure 2): what a doubling adds to top-1.

One panel per target. Above, accuracy against pretraining images at each number of labelled images:
the points measured, and the curve of `analysis.saturation` through them with its 95 % band. Below,
the gain that the curve expects from doubling the pretraining images, with a line at a modest gain
(points) and a triangle where the curve falls below it (its interval is in the CSV). Curves go on,
dotted, to twice the largest size. Each contrastive method, and fine-tuning next to the linear
classifier, adds rows of panels.

Curves are fitted through sizes of equal steps. Where sizes differ in steps, images and training
length grow together, and the panel says so in place of a gain.
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
from fourlenses.plotting import chance, footer, panels, published_markers, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import PROTOCOLS

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
def draw(evidence: Evidence, modest_gain: float = MODEST_GAIN) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, and a row per point measured."""
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
    subfigures = figure.subfigures(len(blocks), 1, squeeze=False)[:, 0]
    for index, (subfigure, (entry, protocol)) in enumerate(zip(subfigures, blocks, strict=True)):
        shown = numbers[(numbers["entry"] == entry) & (numbers["protocol"] == protocol)]
        grid = subfigure.subplots(2, len(targets), squeeze=False, sharex="col")
        for (above, below), target in zip(grid.T, targets, strict=True):
            rows = shown[shown["target"] == target]
            if rows.empty:  # this method was not run on this target
                above.set_axis_off()
                below.set_axis_off()
                continue
            _column(above, below, rows, curves=curves, colours=colours)
            if protocol == "linear" and (target, entry) in longer:
                panels.note(below, quantity_figure.LONGER_FIRST)
            if index == 0:
                panels.title(above, names.dataset(target), dataset_colours[target])
        first = next(column for column in grid.T if column[0].axison)
        method = methods.label(entry)
        first[0].set_ylabel(f"top-1 accuracy, %\n({method}, {names.protocol(protocol)})")
        first[1].set_ylabel("expected gain from\na doubling, points")
        panels.legend_below(subfigure, columns=2 if len(targets) == 1 else 4)
    footer.write(figure, footer.text(evidence, numbers["entry"], numbers["seeds"]))
    return figure, numbers


def _column(above: Axes, below: Axes, rows: pd.DataFrame, *, curves: Curves, colours: dict) -> None:
    """Draw accuracies and gains of one method, protocol and target."""
    for n_labels, points in rows.groupby("labelled_images"):
        target, entry, protocol = points[["target", "entry", "protocol"]].iloc[0]
        fit = curves.get((target, entry, protocol, n_labels))
        _accuracy(above, points, fit, colour=colours[n_labels])
        if fit:
            _gain(below, points, fit, colour=colours[n_labels])
    chance.line(above, rows, keep_range_of=rows["top1"])
    _frame(above, below, rows)


def _accuracy(
    axes: Axes, rows: pd.DataFrame, fit: saturation.Fit | None, *, colour: object
) -> None:
    """Draw the points with whiskers, and the curve with its band."""
    images, label = rows["pretrain_images"], names.count(rows["labelled_images"].iloc[0])
    look: style.Look = {"color": colour, "marker": "o", "linestyle": "none"}
    axes.plot(images, rows["top1"], label=f"{label} labelled images", **look)
    axes.vlines(images, rows["top1_low"], rows["top1_high"], color=colour, linewidth=0.8)
    if fit:
        _curve(axes, fit, fit.predict, colour=colour)
    published_markers.draw(axes, images, rows["published"], colour=colour)


def _gain(axes: Axes, rows: pd.DataFrame, fit: saturation.Fit, *, colour: object) -> None:
    """Draw the gain per doubling with its band, and a triangle where it falls below the modest
    gain within the sizes measured."""
    _curve(axes, fit, fit.gain_from_doubling, colour=colour)
    modest, enough = rows[["modest_gain", "enough_images"]].iloc[0]
    if fit.kind in POWER_LAWS and fit.sizes[0] < enough <= 2 * fit.sizes[-1]:
        edge: style.Look = {"markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.5}
        axes.plot([enough], [modest], color=colour, marker="v", zorder=3, **edge)


def _curve(
    axes: Axes,
    fit: saturation.Fit,
    function: Callable[[float], saturation.Interval],
    *,
    colour: object,
) -> None:
    """Draw a function of the images with its band.

    Solid over the sizes measured, dotted to their double; dashed where it is only a line.
    """
    if fit.kind == "one_size":
        return
    first, last = fit.sizes[0 if fit.kind in POWER_LAWS else -2], fit.sizes[-1]
    images = np.append(np.geomspace(first, last, 40), np.geomspace(last, 2 * last, 8)[1:])
    middle, low, high = np.transpose([function(number) for number in images])
    style_within = "-" if fit.kind in POWER_LAWS else "--"
    axes.plot(images[:40], middle[:40], color=colour, linestyle=style_within)
    axes.plot(images[39:], middle[39:], color=colour, linestyle=":")
    axes.fill_between(images, low, high, color=colour, alpha=0.13, linewidth=0)


def _frame(above: Axes, below: Axes, rows: pd.DataFrame) -> None:
    """Draw axes of images and the line at the modest gain, or a sentence in place of gains that
    cannot be known."""
    label = lengths.images_label(rows["curve"].iloc[0], int(rows["steps"].max()))
    for axes in (above, below):
        panels.images_axis(axes, rows["pretrain_images"], label)
    above.set_xlabel("")
    above.tick_params(axis="x", labelbottom=False)
    sentence = _in_place_of_gains(rows)
    if sentence:
        look: style.Look = {"ha": "center", "va": "center", "color": "#4D4D4D", "linespacing": 1.4}
        below.text(0.5, 0.5, sentence, transform=below.transAxes, **look)
        below.set_yticks([])
        below.grid(False)
        return
    first, last = rows["pretrain_images"].min(), rows["pretrain_images"].max()
    below.set_xlim(first / 1.25, last * 2.2)
    modest_gain = rows["modest_gain"].iloc[0]
    dots: style.Look = {"linewidth": 0.8, "linestyle": (0, (1, 1.5))}
    below.axhline(modest_gain, color="black", label=f"a gain of {modest_gain:g} points", **dots)
    if (rows["fit"] == "log_linear").any():
        below.plot([], [], color="#4D4D4D", linestyle="--", label=LINE)
    # bands can be far wider than any gain; they are cut off rather than flatten the curves
    top = max(1.5 * modest_gain, 1.3 * rows["gain"].max())
    bottom = 1.3 * min(0.0, rows["gain"].min())
    below.set_ylim(bottom, top)
    if bottom < 0:
        below.axhline(0, color="black", linewidth=0.5)


def _in_place_of_gains(rows: pd.DataFrame) -> str:
    """Return why no gain is drawn in a panel; nothing where one is."""
    if (rows["fit"] == CONFOUNDED).all():
        images, steps = (sorted(rows[key].unique()) for key in ("pretrain_images", "steps"))
        times = f"{images[-1] / images[0]:.2g} times the images"
        length = (
            f"{steps[-1] / steps[0]:.2g} times the training"
            if steps[0] > 0
            else "longer training with them"
        )
        return f"{times} and\n{length}:\nno gain from images alone\ncan be read"
    if (rows["fit"] == NO_SEED).all():
        return "The sizes have no seed in common:\nno curve is fitted."
    return ONE_SIZE if rows["fit"].isin(["one_size", NO_SEED]).all() else ""

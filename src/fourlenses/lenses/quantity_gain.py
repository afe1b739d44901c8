"""Data quantity the other way round (the paper's Fig. 2, read along the other axis): what a doubling of the pretraining images buys.

One panel per target. Above, accuracy against pretraining images at each number of labelled images: the points measured, and the curve
of `saturation` through them with its 95 % band. Below, the gain that the curve expects from doubling the pretraining images, with a
line at a modest gain (points) and a triangle where the curve falls below it (its interval is in the CSV). Curves go on, dotted, to twice
the largest size. Several contrastive methods, or fine-tuning beside the linear classifier, each add their rows of panels.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.lenses import hollow, methods, names, panels, quantity, saturation, style, table

NAME = "quantity_gain"
CURVE = ["target", "method", "protocol", "labelled_images"]
MODEST_GAIN = 2.0  # points per doubling
PANEL_HEIGHT = 2.0  # inches, with axis labels
ONE_SIZE = "One number of pretraining images:\nthe gain from more is not known."
POWER_LAWS = ("power_law", "shifted_power_law")
LINE = "line through the last two sizes"

Curves = dict[tuple, saturation.Fit]


def fits(metrics: pd.DataFrame) -> Curves:
    """The curve of each target, method, protocol and number of labelled images (`CURVE`), through all seeds and draws of labels."""
    rows = quantity.pretrained_rows(metrics)
    return {key: saturation.fit_rows(group) for key, group in rows.groupby(CURVE)}


def numbers_drawn(metrics: pd.DataFrame, modest_gain: float = MODEST_GAIN, curves: Curves | None = None) -> pd.DataFrame:
    """One row per point, with the curve there (`fitted`), the `gain` from doubling it, and what belongs to the curve as a whole.

    Of the whole curve are `fit`, `ceiling`, `scale`, `exponent`, `shift` and `enough_images`, beyond which a doubling gains less than
    `modest_gain`. Methods and protocols with one number of pretraining images are left out where others have several.
    """
    rows = quantity.pretrained_rows(metrics)
    curves = fits(metrics) if curves is None else curves
    sizes = rows.groupby(["method", "protocol"])["pretrain_images"].transform("nunique")
    rows = rows[sizes > 1] if (sizes > 1).any() else rows
    keys = [*CURVE, "pretrain_images"]
    numbers = table.over_seeds(rows, keys).sort_values(keys, kind="stable", ignore_index=True)
    numbers["published"] = hollow.beside(numbers, rows, keys)
    found = []
    for *curve, images in zip(*(numbers[key] for key in keys), strict=True):
        fit = curves[tuple(curve)]
        found.append(
            _bounds("fitted", fit.predict(images))
            | _bounds("gain", fit.gain_from_doubling(images))
            | {"fit": fit.kind, **{name: getattr(fit, name)[0] for name in ("ceiling", "scale", "exponent", "shift")}}
            | {"modest_gain": modest_gain}
            | _bounds("enough_images", fit.enough_images(modest_gain))
        )
    return pd.concat([numbers, pd.DataFrame(found)], axis=1)


def _bounds(name: str, interval: saturation.Interval) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


@style.context()
def draw(metrics: pd.DataFrame, modest_gain: float = MODEST_GAIN) -> tuple[Figure, pd.DataFrame]:
    """The figure, and a row per point measured."""
    curves = fits(metrics)
    numbers = numbers_drawn(metrics, modest_gain, curves)
    targets = sorted(numbers["target"].unique())
    blocks = [
        (method, protocol)
        for method in methods.in_order(numbers["method"])
        for protocol in names.in_order(numbers["protocol"], names.PROTOCOLS)
        if len(numbers[(numbers["method"] == method) & (numbers["protocol"] == protocol)])
    ]
    figure = style.new_figure(len(targets), height=(2 * PANEL_HEIGHT + 0.5) * len(blocks))
    dataset_colours = style.dataset_colours(metrics["target"])
    colours = style.quantity_colours(numbers["labelled_images"], "plasma")
    parts = figure.subfigures(len(blocks), 1, squeeze=False)[:, 0]
    for place, (part, (method, protocol)) in enumerate(zip(parts, blocks, strict=True)):
        grid = part.subplots(2, len(targets), squeeze=False, sharex="col")
        for (above, below), target in zip(grid.T, targets, strict=True):
            own = numbers[(numbers["target"] == target) & (numbers["method"] == method) & (numbers["protocol"] == protocol)]
            if own.empty:  # this method was not run on this target
                above.set_axis_off()
                below.set_axis_off()
                continue
            for labelled, rows in own.groupby("labelled_images"):
                fit = curves[target, method, protocol, labelled]
                _accuracy(above, rows, fit, colours[labelled])
                _gain(below, rows, fit, colours[labelled])
            _frame(above, below, own, modest_gain)
            if place == 0:
                panels.title(above, names.dataset(target), dataset_colours[target])
        named = f"{methods.label(method)}, {names.PROTOCOLS[protocol]}"
        first = next(column for column in grid.T if column[0].axison)
        first[0].set_ylabel(f"top-1 accuracy, %\n({named})")
        first[1].set_ylabel("expected gain from\na doubling, points")
        panels.legend_below(part, columns=2 if len(targets) == 1 else 4)
    return figure, numbers


def _accuracy(axes: Axes, rows: pd.DataFrame, fit: saturation.Fit, colour: object) -> None:
    """The points with whiskers, and the curve with its band."""
    label = f"{names.count(rows['labelled_images'].iloc[0])} labelled images"
    axes.plot(rows["pretrain_images"], rows["top1"], color=colour, label=label, marker="o", linestyle="none")
    axes.vlines(rows["pretrain_images"], rows["top1_low"], rows["top1_high"], color=colour, linewidth=0.8)
    _curve(axes, fit, fit.predict, colour)
    hollow.mark(axes, rows["pretrain_images"], rows["published"], colour)


def _gain(axes: Axes, rows: pd.DataFrame, fit: saturation.Fit, colour: object) -> None:
    """The gain per doubling with its band, and a triangle where it falls below the modest one within the sizes measured."""
    _curve(axes, fit, fit.gain_from_doubling, colour)
    modest, enough = rows[["modest_gain", "enough_images"]].iloc[0]
    if fit.kind in POWER_LAWS and fit.sizes[0] < enough <= 2 * fit.sizes[-1]:
        axes.plot([enough], [modest], color=colour, marker="v", markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=3)


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
    for axes in (above, below):
        panels.images_axis(axes, own["pretrain_images"], "pretraining images")
    above.set_xlabel("")
    above.tick_params(axis="x", labelbottom=False)
    if (own["fit"] == "one_size").all():
        below.text(0.5, 0.5, ONE_SIZE, transform=below.transAxes, ha="center", va="center", color="#4D4D4D")
        below.set_yticks([])
        below.grid(False)
        return
    first, last = own["pretrain_images"].min(), own["pretrain_images"].max()
    below.set_xlim(first / 1.25, last * 2.2)
    below.axhline(modest_gain, color="black", linewidth=0.8, linestyle=(0, (1, 1.5)), label=f"a gain of {modest_gain:g} points")
    if (own["fit"] == "log_linear").any():
        below.plot([], [], color="#4D4D4D", linestyle="--", label=LINE)
    # bands can be far wider than any gain; they are cut off rather than flatten the curves
    top = max(1.5 * modest_gain, 1.3 * own["gain"].max())
    below.set_ylim(0, top)

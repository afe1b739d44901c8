"""Data quantity (the paper's Fig. 2): what more pretraining images buy, at each number of labelled images.

One panel per target. Above, accuracy against labelled images with one line per number of pretraining images, beside the
supervised baseline (trained end to end from random initialisation on the same labels) and the random floor (a linear
classifier on an encoder that never saw an image). Below, the same accuracies against pretraining images, one line per number
of labelled images. Pretraining is on clean images of the target's own dataset; other sources are the domain lens' subject.
Several contrastive methods, or fine-tuning beside the linear classifier, each add their rows of panels. Where the paper has the same
number it lies over the line as a hollow marker.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.errors import UserError
from fourlenses.lenses import hollow, methods, names, panels, style, table

NAME = "quantity"
KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]
PANEL_HEIGHT = 2.1  # inches, with axis labels


def rows_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of the lens, at the finest level of each target."""
    return table.at_finest(table.rows_for(metrics, NAME), metrics)


def pretrained_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Of these, encoders pretrained without labels on clean images of their own target, a row per seed and draw of labels.

    Raises:
        UserError: there are none.
    """
    rows = rows_of(metrics)
    in_domain = pd.Series(
        [names.is_in_domain(source, target) for source, target in zip(rows["source"], rows["target"], strict=True)], rows.index, bool
    )
    unlabelled = rows["method"].map(methods.is_contrastive) & rows["protocol"].isin(["linear", "fine_tune"])
    pretrained = rows[unlabelled & (rows["corruption"] == "none") & in_domain]
    if pretrained.empty:
        raise UserError(
            f"{table.where(metrics)} has no encoder pretrained on clean images of its own target for the lens quantity "
            f"(sources found: {', '.join(sorted(rows['source'].unique())) or 'none'}; "
            f"targets: {', '.join(sorted(rows['target'].unique()))}); "
            "add such pretraining to the study"
        )
    return pretrained


def numbers_drawn(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per point: `series` says whether it is of a pretrained encoder, the scratch baseline or the random floor."""
    rows, pretrained = rows_of(metrics), pretrained_rows(metrics)
    beside = rows[rows["target"].isin(pretrained["target"])]
    scratch = beside[(beside["method"] == "supervised") & (beside["protocol"] == "scratch") & (beside["corruption"] == "none")]
    floor = beside[(beside["method"] == "random") & (beside["protocol"] == "linear")]
    parts = []
    for series, part in (("pretrained", pretrained), ("scratch", scratch), ("random", floor)):
        averaged = table.over_seeds(part, KEYS).assign(series=series)
        averaged["published"] = hollow.beside(averaged, part, KEYS)
        if series == "scratch":  # nothing was pretrained, whatever the table counts its images as
            averaged["pretrain_images"] = 0
        parts.append(averaged.sort_values(KEYS[1:], kind="stable"))
    numbers = pd.concat([part for part in parts if len(part)], ignore_index=True)
    columns = ["series", *KEYS, "top1", "top1_low", "top1_high", "seeds", "published"]
    return numbers.sort_values("target", kind="stable", ignore_index=True)[columns]


@style.context()
def draw(metrics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The figure of the quantity lens and the numbers in it."""
    numbers = numbers_drawn(metrics)
    pretrained = numbers[numbers["series"] == "pretrained"]
    targets = sorted(pretrained["target"].unique())
    blocks = [
        (method, protocol)
        for method in methods.in_order(pretrained["method"])
        for protocol in names.in_order(pretrained["protocol"], names.PROTOCOLS)
        if len(pretrained[(pretrained["method"] == method) & (pretrained["protocol"] == protocol)])
    ]
    # With one number of pretraining images there is nothing to read along that axis.
    sizes = pretrained.groupby(["method", "protocol"])["pretrain_images"].nunique()
    shown = [(_by_labels, *block) for block in blocks] + [(_by_pretraining, *block) for block in blocks if sizes[block] > 1]
    figure = style.new_figure(len(targets), height=(PANEL_HEIGHT + 0.5) * len(shown))
    colours = style.dataset_colours([*metrics["target"]])
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for place, (part, (view, method, protocol)) in enumerate(zip(parts, shown, strict=True)):
        grid = part.subplots(1, len(targets), squeeze=False)[0]
        for axes, target in zip(grid, targets, strict=True):
            points = numbers[numbers["target"] == target]
            own = points[(points["method"] == method) & (points["protocol"] == protocol) & (points["series"] == "pretrained")]
            if own.empty:  # this method was not run on this target
                axes.set_axis_off()
                continue
            view(axes, own, points, pretrained)
            if place == 0:
                panels.title(axes, names.dataset(target), colours[target])
        named = f"{methods.label(method)}, {names.PROTOCOLS[protocol]}"
        next(axes for axes in grid if axes.axison).set_ylabel(f"top-1 accuracy, %\n({named})")
        panels.legend_below(part, columns=2 if len(targets) == 1 else 4)
    return figure, numbers


def _by_labels(axes: Axes, own: pd.DataFrame, points: pd.DataFrame, pretrained: pd.DataFrame) -> None:
    """Accuracy against labelled images, a line per number of pretraining images, with the baseline and the floor."""
    colours = style.quantity_colours(pretrained["pretrain_images"])
    for quantity, rows in own.groupby("pretrain_images"):
        label = f"{names.count(quantity)} pretraining images"
        panels.line(axes, rows["labelled_images"], rows, colours[quantity], label, "o")
        hollow.mark(axes, rows["labelled_images"], rows["published"], colours[quantity], "o")
    for series, method, label in (("scratch", "supervised", "supervised from scratch"), ("random", "random", "random encoder")):
        rows = points[points["series"] == series]
        if len(rows):
            colour, marker = methods.colour(method), methods.marker(method)
            panels.line(axes, rows["labelled_images"], rows, colour, label, marker, dashed=True)
            hollow.mark(axes, rows["labelled_images"], rows["published"], colour, marker)
    drawn = points[(points["series"] != "pretrained") | points.index.isin(own.index)]
    panels.images_axis(axes, drawn["labelled_images"], "labelled images")


def _by_pretraining(axes: Axes, own: pd.DataFrame, points: pd.DataFrame, pretrained: pd.DataFrame) -> None:
    """Accuracy against pretraining images, a line per number of labelled images."""
    colours = style.quantity_colours(pretrained["labelled_images"], "plasma")
    for labelled, rows in own.groupby("labelled_images"):
        panels.line(axes, rows["pretrain_images"], rows, colours[labelled], f"{names.count(labelled)} labelled images", "o")
        hollow.mark(axes, rows["pretrain_images"], rows["published"], colours[labelled], "o")
    panels.images_axis(axes, own["pretrain_images"], "pretraining images")

"""Data quantity (the paper's Fig. 2): what more pretraining images buy, at each number of labelled images.

One panel per target. Above, accuracy against labelled images with one line per number of pretraining images, beside the
supervised baseline (trained end to end from random initialisation on the same labels), the random floor (a linear
classifier on an encoder that never saw an image) and chance. Below, the same accuracies against pretraining images, one line per number
of labelled images. Pretraining is on clean images of the target's own dataset; other sources are the domain lens' subject.
Several contrastive methods, or fine-tuning beside the linear classifier, each add their rows of panels. Where the paper has the same
number it lies over the line as a hollow marker.

Sizes are compared at equal steps where the study has that; sizes of unequal steps are images and training length at once, and their axis
says so. The largest size at half or twice the steps is a triangle over the curve.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import quantity as finding
from fourlenses.lenses.quantity import lengths
from fourlenses.plotting import basis, chance, hollow, panels, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import FROM_SCRATCH, PROTOCOLS

NAME = "quantity"
KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]
CURVE = ["curve", "entry", "length", "steps"]
ORDER = ["entry", "method", "protocol", "curve", "pretrain_images", "labelled_images"]
PANEL_HEIGHT = 2.1  # inches, with axis labels
TRIANGLES = {"half": "v", "twice": "^"}
LONGER_FIRST = "train longer first: more steps\ngain more than more images"


def rows_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of the lens, at the finest level of each target."""
    return table.at_finest(table.rows_for(metrics, NAME))


def pretrained_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Of these, encoders pretrained without labels on clean images of their own target, a row per seed and draw of labels, with what
    `lengths.with_curves` says of them.

    Raises:
        UserError: there are none.
    """
    rows = rows_of(metrics)
    in_domain = pd.Series(
        [
            names.is_in_domain(source, target)
            for source, target in zip(rows["source"], rows["target"], strict=True)
        ],
        rows.index,
        bool,
    )
    unlabelled = rows["method"].map(methods.is_contrastive) & rows["protocol"].isin(
        ["linear", "linear_augmented", "fine_tune"]
    )
    pretrained = rows[unlabelled & (rows["corruption"] == "none") & in_domain]
    if pretrained.empty:
        raise UserError(
            f"{table.where(metrics)} has no encoder pretrained on clean images of its own target for the lens quantity "
            f"(sources found: {', '.join(sorted(rows['source'].unique())) or 'none'}; "
            f"targets: {', '.join(sorted(rows['target'].unique()))}); "
            "add such pretraining to the study"
        )
    # of two sources of as many images (`birds-all`, and `birds-3000` where it has 3,000) the first
    return lengths.with_curves(pretrained.drop_duplicates([*KEYS, *bands.CELL]))


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per point: `series` says whether it is of a pretrained encoder, the scratch baseline or the random floor."""
    metrics = evidence.metrics
    rows, pretrained = rows_of(metrics), pretrained_rows(metrics)
    beside = rows[rows["target"].isin(pretrained["target"])].assign(
        curve="", entry="", length=0, steps=0
    )
    scratch = beside[
        (beside["method"] == "supervised")
        & beside["protocol"].isin(FROM_SCRATCH)
        & (beside["corruption"] == "none")
    ]
    floor = beside[
        (beside["method"] == "random") & beside["protocol"].isin(["linear", "linear_augmented"])
    ]
    parts = []
    for series, part in (("pretrained", pretrained), ("scratch", scratch), ("random", floor)):
        averaged = bands.over_seeds(part, [*KEYS, *CURVE], evidence).assign(series=series)
        averaged["published"] = published_comparison.published_top1(averaged, part, KEYS)
        if series == "scratch":  # nothing was pretrained, whatever the table counts its images as
            averaged["pretrain_images"] = 0
        parts.append(averaged.sort_values(ORDER, kind="stable"))
    numbers = pd.concat([part for part in parts if len(part)], ignore_index=True)
    numbers["chance"] = chance.beside(numbers, rows, ["target"])
    columns = [
        "series",
        *KEYS,
        "curve",
        "entry",
        "steps",
        "length",
        "top1",
        "top1_low",
        "top1_high",
        "seeds",
        "published",
        "chance",
    ]
    return numbers.sort_values("target", kind="stable", ignore_index=True)[columns]


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The figure of the quantity lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    pretrained = numbers[numbers["series"] == "pretrained"]
    targets = sorted(pretrained["target"].unique())
    longer = longer_first(evidence)
    shown = _blocks(pretrained)
    figure = style.new_figure(len(targets), height=(PANEL_HEIGHT + 0.5) * len(shown))
    colours = style.dataset_colours([*evidence.metrics["target"]])
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for place, (part, (view, entry, protocol, curve)) in enumerate(zip(parts, shown, strict=True)):
        grid = part.subplots(1, len(targets), squeeze=False)[0]
        block = pretrained[(pretrained["entry"] == entry) & (pretrained["protocol"] == protocol)]
        for axes, target in zip(grid, targets, strict=True):
            points = numbers[numbers["target"] == target]
            own = _of_curve(block[block["target"] == target], curve)
            if own.empty or (view is _by_pretraining and own["pretrain_images"].nunique() < 2):
                axes.set_axis_off()  # this method was not run on this target, or with one size
            else:
                view(axes, own, points, pretrained)
                if (
                    view is _by_pretraining
                    and protocol == "linear"
                    and (target, entry) in longer
                    and (own["curve"] == lengths.EQUAL).any()
                ):
                    panels.note(axes, LONGER_FIRST)
            if place == 0:
                panels.title(axes, names.dataset(target), colours[target])
        _label(next(axes for axes in grid if axes.axison), _of_curve(block, curve), view)
        panels.legend_below(part, columns=2 if len(targets) == 1 else 4)
    basis.write(figure, basis.text(evidence, pretrained["entry"], numbers["seeds"]))
    return figure, numbers


def longer_first(evidence: Evidence) -> set[tuple[str, str]]:
    """Targets and entries of which longer training gains more than more images."""
    controls = [
        (family, finding.convergence(family, evidence))
        for family in finding.families(evidence.metrics)
    ]
    return {
        (family.target, family.entry)
        for family, control in controls
        if control and control.longer_first
    }


def _blocks(pretrained: pd.DataFrame) -> list[tuple]:
    """Rows of panels: by labels, of each entry and protocol its main curve; then by pretraining images every curve of several sizes."""
    by_labels, by_pretraining = [], []
    for entry in methods.in_order(pretrained["entry"]):
        for protocol in names.in_order(pretrained["protocol"], PROTOCOLS):
            block = pretrained[
                (pretrained["entry"] == entry) & (pretrained["protocol"] == protocol)
            ]
            if block.empty:
                continue
            by_labels.append((_by_labels, entry, protocol, "main"))
            # With one number of pretraining images there is nothing to read along that axis.
            sizes = block.groupby(["target", "curve"])["pretrain_images"].nunique()
            several = {curve for (_, curve), number in sizes.items() if number > 1}
            if several:
                by_pretraining.append((_by_pretraining, entry, protocol, "main"))
            both = {target for target, curve in sizes.index if curve == lengths.EQUAL} & {
                target for target, curve in sizes.index if curve == lengths.UNEQUAL
            }
            if both:
                by_pretraining.append((_by_pretraining, entry, protocol, lengths.UNEQUAL))
    return by_labels + by_pretraining


def _of_curve(block: pd.DataFrame, curve: str) -> pd.DataFrame:
    """The rows of a curve and, of the main one, the controls. The main curve of a target is that of equal steps where there is one."""
    equal = block.loc[block["curve"] == lengths.EQUAL, "target"].unique()
    if curve == lengths.UNEQUAL:
        return block[(block["curve"] == curve) & block["target"].isin(equal)]
    return block[(block["curve"] != lengths.UNEQUAL) | ~block["target"].isin(equal)]


def _label(axes: Axes, rows: pd.DataFrame, view) -> None:
    """Of the rows of panels: method, protocol and, where the x axis does not say it, the steps if all panels have the same."""
    rows = rows[rows["curve"] != lengths.CONTROL]
    steps = set(rows["length"]) if view is _by_labels else {0}
    entry, protocol = rows[["entry", "protocol"]].iloc[0]
    at = f",\nat {int(steps.pop()):,} steps" if len(steps) == 1 and 0 not in steps else ""
    axes.set_ylabel(f"top-1 accuracy, %\n({methods.label(entry)}, {names.protocol(protocol)}{at})")


def _by_labels(
    axes: Axes, own: pd.DataFrame, points: pd.DataFrame, pretrained: pd.DataFrame
) -> None:
    """Accuracy against labelled images, a line per number of pretraining images, with the baseline and the floor."""
    colours = style.quantity_colours(pretrained["pretrain_images"])
    for quantity, rows in own[own["curve"] != lengths.CONTROL].groupby("pretrain_images"):
        label = f"{names.count(quantity)} pretraining images{_length(rows)}"
        panels.line(axes, rows["labelled_images"], rows, colours[quantity], label, "o")
        hollow.mark(axes, rows["labelled_images"], rows["published"], colours[quantity], "o")
    protocol = own["protocol"].iloc[0]
    floor = "linear_augmented" if protocol == "linear_augmented" else "linear"
    yardsticks = (
        ("scratch", "supervised", "scratch", "supervised from scratch", "--"),
        (
            "scratch",
            "supervised",
            "scratch_published",
            "supervised from scratch, published length",
            ":",
        ),
        ("random", "random", floor, "random encoder", "--"),
    )
    drawn = [own]
    for series, method, run_as, label, dashes in yardsticks:
        rows = points[(points["series"] == series) & (points["protocol"] == run_as)]
        if len(rows):
            colour, marker = methods.colour(method), methods.marker(method)
            panels.line(axes, rows["labelled_images"], rows, colour, label, marker, dashes)
            hollow.mark(axes, rows["labelled_images"], rows["published"], colour, marker)
            drawn.append(rows)
    _controls(axes, own, "labelled_images", "pretrain_images", colours)
    chance.line(axes, own)
    panels.images_axis(axes, pd.concat(drawn)["labelled_images"], "labelled images")


def _length(rows: pd.DataFrame) -> str:
    """Where more images are more training too, each line says how much."""
    steps = set(rows["steps"])
    known = (rows["curve"] == lengths.UNEQUAL).all() and len(steps) == 1 and min(steps) > 0
    return f", {int(steps.pop()):,} steps" if known else ""


def _by_pretraining(
    axes: Axes, own: pd.DataFrame, points: pd.DataFrame, pretrained: pd.DataFrame
) -> None:
    """Accuracy against pretraining images, a line per number of labelled images."""
    colours = style.quantity_colours(pretrained["labelled_images"], "plasma")
    curve = own[own["curve"] != lengths.CONTROL]
    for labelled, rows in curve.sort_values("pretrain_images").groupby("labelled_images"):
        panels.line(
            axes,
            rows["pretrain_images"],
            rows,
            colours[labelled],
            f"{names.count(labelled)} labelled images",
            "o",
        )
        hollow.mark(axes, rows["pretrain_images"], rows["published"], colours[labelled], "o")
    _controls(axes, own, "pretrain_images", "labelled_images", colours)
    chance.line(axes, own, near=own["top1"])
    panels.images_axis(
        axes, own["pretrain_images"], lengths.images_label(*curve[["curve", "length"]].iloc[0])
    )


def _controls(axes: Axes, own: pd.DataFrame, x: str, lines: str, colours: dict) -> None:
    """The largest size at other lengths: triangles in the colours of the lines that they belong to."""
    controls = own[own["curve"] == lengths.CONTROL]
    for one in controls.itertuples():
        colour, marker = colours[getattr(one, lines)], TRIANGLES[lengths.ending(one.method)]
        axes.vlines(getattr(one, x), one.top1_low, one.top1_high, color=colour, linewidth=0.6)
        look = {
            "marker": marker,
            "markersize": 5,
            "markeredgecolor": "black",
            "markeredgewidth": 0.5,
            "linestyle": "none",
            "zorder": 4,
        }
        axes.plot(getattr(one, x), one.top1, color=colour, **look)
    for method in dict.fromkeys(controls["method"]):
        images = names.count(controls["pretrain_images"].max())
        label = f"{images} images, {lengths.CONTROLS[lengths.ending(method)]}"
        look = {
            "marker": TRIANGLES[lengths.ending(method)],
            "markersize": 5,
            "markeredgecolor": "black",
            "markeredgewidth": 0.5,
        }
        axes.plot([], [], color="white", linestyle="none", label=label, **look)

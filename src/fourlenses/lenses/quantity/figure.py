"""Data quantity (the paper's Figure 2): top-1 accuracy by pretraining images and labels.

One panel per target. Above, accuracy against labelled images with one line per number of
pretraining images, next to the supervised baseline (trained end to end from random initialisation
on the same labels), the random-init encoder and chance. Below, the same accuracies against
pretraining images, one line per number of labelled images. Pretraining is on clean images of the
target's dataset; other sources are shown by the domain lens. Each contrastive method, and
fine-tuning next to the linear classifier, adds rows of panels; methods of one size are in the
figure `methods`. Lines are labelled at their ends. Published numbers are hollow markers over them.

Sizes are compared at equal steps where the study has them. Where sizes differ in steps, more images
are also more training, and the axis says so. The largest size at half or twice the steps is a
triangle over the curve.
"""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.lenses.quantity import finding, lengths
from fourlenses.plotting import (
    chance,
    colours,
    ends,
    footer,
    panels,
    published_markers,
    style,
)
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import FROM_SCRATCH, PROTOCOLS

NAME = "quantity"
KEYS = ["target", "method", "protocol", "pretrain_images", "labelled_images"]
CURVE = ["curve", "entry", "length", "steps"]
ORDER = ["entry", "method", "protocol", "curve", "pretrain_images", "labelled_images"]
COLUMNS = [
    *("series", *KEYS, "curve", "entry", "steps", "length"),
    *("top1", "top1_low", "top1_high", "seeds", "published", "chance"),
]
PRETRAINED = ["linear", "linear_augmented", "fine_tune"]  # protocols of pretrained encoders shown
PANEL_HEIGHT = 1.95  # inches, with axis labels
LEAST_PANEL = 1.6  # inches across, with labels
LONGER_FIRST = "train longer first: more steps\ngain more than more images"
# series, method, protocol, label and line style
BASELINES = (
    ("scratch", "supervised", "scratch", "scratch", "--"),
    ("scratch", "supervised", "scratch_published", "scratch,\nas published", ":"),
    ("random", "random", "", "random", "--"),
)
SCRATCH_TOO = "dashed: from scratch on as many labels"


def rows_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the lens, at the finest level of each target."""
    return table.at_finest(table.rows_for(metrics, NAME))


def pretrained_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of encoders pretrained without labels on clean images of their target.

    Returns:
        A row per seed and draw of labels, with the columns that `lengths.with_curves` adds.

    Raises:
        UserError: there are none.
    """
    rows = rows_of(metrics)
    in_domain = [
        names.is_in_domain(source, target)
        for source, target in zip(rows["source"], rows["target"], strict=True)
    ]
    contrastive = rows["method"].map(methods.is_contrastive) & rows["protocol"].isin(PRETRAINED)
    clean = rows["corruption"] == "none"
    pretrained = rows[contrastive & clean & pd.Series(in_domain, rows.index, bool)]
    if pretrained.empty:
        raise UserError(
            f"{table.where(metrics)} has no encoder pretrained on clean images of its own target "
            "for the lens quantity "
            f"(sources found: {', '.join(sorted(rows['source'].unique())) or 'none'}; "
            f"targets: {', '.join(sorted(rows['target'].unique()))}); "
            "add such pretraining to the study"
        )
    # of two sources of as many images (`birds-all`, and `birds-3000` where it has 3,000) the first
    return lengths.with_curves(pretrained.drop_duplicates([*KEYS, *bands.CELL]))


def _of_several_sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the method entries that have several sizes; all where none has."""
    sizes = rows.groupby("entry")["pretrain_images"].transform("nunique")
    return rows[sizes > 1] if (sizes > 1).any() else rows


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per point; `series` is pretrained, scratch or random."""
    metrics = evidence.metrics
    rows, pretrained = rows_of(metrics), _of_several_sizes(pretrained_rows(metrics))
    baselines = rows[rows["target"].isin(pretrained["target"])]
    baselines = baselines.assign(curve="", entry="", length=0, steps=0)
    protocols = baselines["protocol"]
    from_scratch = (
        (baselines["method"] == "supervised")
        & protocols.isin(FROM_SCRATCH)
        & (baselines["corruption"] == "none")
    )
    random_init = (baselines["method"] == "random") & protocols.isin(["linear", "linear_augmented"])
    series = {
        "pretrained": pretrained,
        "scratch": baselines[from_scratch],
        "random": baselines[random_init],
    }
    parts = []
    for name, part in series.items():
        averaged = bands.over_seeds(part, [*KEYS, *CURVE], evidence).assign(series=name)
        averaged["published"] = published_comparison.published_top1(averaged, part, KEYS)
        if name == "scratch":  # nothing was pretrained, whatever the table counts its images as
            averaged["pretrain_images"] = 0
        parts.append(averaged.sort_values(ORDER, kind="stable"))
    numbers = pd.concat([part for part in parts if len(part)], ignore_index=True)
    numbers["chance"] = chance.top1_by_chance(numbers, rows, ["target"])
    return numbers.sort_values("target", kind="stable", ignore_index=True)[COLUMNS]


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of the quantity lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    pretrained = numbers[numbers["series"] == "pretrained"]
    targets = sorted(pretrained["target"].unique())
    longer = longer_first(evidence)
    blocks = _blocks(pretrained)
    per_row = style.columns(len(targets), LEAST_PANEL)
    rows_of_block = -(-len(targets) // per_row)
    height = PANEL_HEIGHT * len(blocks) * rows_of_block + 0.35
    figure = style.new_figure(len(targets), height=height)
    grid = panels.grid(figure, len(targets), per_row=per_row, blocks=len(blocks))
    for index, block in enumerate(blocks):
        shown = pretrained[
            (pretrained["entry"] == block.entry) & (pretrained["protocol"] == block.protocol)
        ]
        drawn = []
        for axes, target in zip(grid[index], targets, strict=True):
            rows = _of_curve(shown[shown["target"] == target], block.curve)
            if not _has_curve(rows, block):
                axes.set_axis_off()
                continue
            block.view(axes, rows, numbers[numbers["target"] == target], pretrained=pretrained)
            if _trains_longer_first(rows, block, longer):
                panels.room_above(axes, 0.25)
                panels.note(axes, LONGER_FIRST)
            if index == 0 or rows_of_block > 1 or not grid[index - 1][targets.index(target)].axison:
                axes.set_title(names.dataset(target))
            drawn.append(axes)
        _label(drawn, _of_curve(shown, block.curve), block, per_row=per_row)
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 4, without=_at_ends(numbers))
    seeds, shown_methods = numbers["seeds"], pretrained["entry"]
    footer.write(
        figure, footer.text(evidence, shown_methods, seeds, lens="quantity", targets=targets)
    )
    return figure, numbers


def longer_first(evidence: Evidence) -> set[tuple[str, str]]:
    """Return targets and entries of which longer training gains more than more images."""
    longer = set()
    for family in finding.families(evidence.metrics):
        control = finding.convergence(family, evidence)
        if control and control.longer_first:
            longer.add((family.target, family.entry))
    return longer


class Block(NamedTuple):
    """A row of panels."""

    view: Callable[..., None]
    entry: str
    protocol: str
    curve: str


def _blocks(pretrained: pd.DataFrame) -> list[Block]:
    """Return the rows of panels.

    By labels the main curve of each entry and protocol; then by pretraining images every curve of
    several sizes.
    """
    by_labels, by_pretraining = [], []
    for entry in methods.in_order(pretrained["entry"]):
        for protocol in names.in_order(pretrained["protocol"], PROTOCOLS):
            rows = pretrained[(pretrained["entry"] == entry) & (pretrained["protocol"] == protocol)]
            if rows.empty:
                continue
            by_labels.append(Block(_by_labels, entry, protocol, "main"))
            # With one number of pretraining images there is nothing to read along that axis.
            sizes = rows.groupby(["target", "curve"])["pretrain_images"].nunique()
            if (sizes > 1).any():
                by_pretraining.append(Block(_by_pretraining, entry, protocol, "main"))
            equal = {target for target, curve in sizes.index if curve == lengths.EQUAL}
            unequal = {target for target, curve in sizes.index if curve == lengths.UNEQUAL}
            if equal & unequal:
                by_pretraining.append(Block(_by_pretraining, entry, protocol, lengths.UNEQUAL))
    return by_labels + by_pretraining


def _of_curve(rows: pd.DataFrame, curve: str) -> pd.DataFrame:
    """Return the rows of a curve and, of the main curve, the controls.

    The main curve of a target is that of equal steps where there is one.
    """
    equal = rows.loc[rows["curve"] == lengths.EQUAL, "target"].unique()
    if curve == lengths.UNEQUAL:
        return rows[(rows["curve"] == curve) & rows["target"].isin(equal)]
    return rows[(rows["curve"] != lengths.UNEQUAL) | ~rows["target"].isin(equal)]


def _has_curve(rows: pd.DataFrame, block: Block) -> bool:
    """Return whether a target has the method, and at several sizes where they are the axis."""
    several = block.view is _by_labels or rows["pretrain_images"].nunique() > 1
    return len(rows) > 0 and several


def _trains_longer_first(rows: pd.DataFrame, block: Block, longer: set[tuple[str, str]]) -> bool:
    return (
        block.view is _by_pretraining
        and block.protocol == "linear"
        and (rows["target"].iloc[0], block.entry) in longer
        and (rows["curve"] == lengths.EQUAL).any()
    )


def _label(drawn: list[Axes], rows: pd.DataFrame, block: Block, *, per_row: int) -> None:
    """Label the y axes with method and protocol, and with the steps if all panels have the same and
    the x axis does not name them; and say what the labels at the ends of lines are."""
    rows = rows[rows["curve"] != lengths.CONTROL]
    steps = set(rows["length"]) if block.view is _by_labels else {0}
    method, protocol = methods.label(block.entry), names.protocol(block.protocol)
    at = f",\nat {int(steps.pop()):,} steps" if len(steps) == 1 and 0 not in steps else ""
    for axes in drawn[::per_row]:
        axes.set_ylabel(f"top-1 accuracy, %\n({method}, {protocol}{at})")
    head = "labels"
    if block.view is _by_labels:
        head = "images" if len(set(rows["steps"])) == 1 else "images\n(unequal steps)"
    ends.head(drawn[-1], head)


def _at_ends(numbers: pd.DataFrame) -> set[str]:
    """Return the labels of lines that stand at their ends."""
    return {
        *(names.count(number) for number in {*numbers["pretrain_images"]}),
        *(names.count(number) for number in {*numbers["labelled_images"]}),
        *(label for _, _, _, label, _ in BASELINES),
        chance.LABEL,
    }


def _by_labels(
    axes: Axes, rows: pd.DataFrame, numbers: pd.DataFrame, *, pretrained: pd.DataFrame
) -> None:
    """Draw accuracy against labelled images, a line per number of pretraining images, with the
    baselines and chance.

    Args:
        axes: the panel.
        rows: the numbers of the panel's encoders.
        numbers: all of its target.
        pretrained: all of pretrained encoders in the figure, which share their colours.
    """
    shades = colours.of_quantities(pretrained["pretrain_images"])
    for images, line in rows[rows["curve"] != lengths.CONTROL].groupby("pretrain_images"):
        end = names.count(images)
        _line(axes, line, "labelled_images", label=end, end=end, colour=shades[images])
    drawn = [rows, *_baselines(axes, rows, numbers)]
    lengths.draw_controls(axes, rows, x="labelled_images", lines="pretrain_images", colours=shades)
    panels.images_axis(axes, pd.concat(drawn)["labelled_images"], "labelled images")
    chance.line(axes, rows)


def _baselines(axes: Axes, rows: pd.DataFrame, numbers: pd.DataFrame) -> list[pd.DataFrame]:
    """Draw training from scratch, and the random encoder where a frozen one is shown: fine-tuned it
    would be training from scratch."""
    shown = rows["protocol"].iloc[0]
    drawn = []
    for series, method, protocol, label, dashes in BASELINES:
        line = numbers[(numbers["series"] == series)]
        line = line[line["protocol"] == (protocol or shown)]
        if len(line):
            look: style.Look = {
                "colour": colours.of_method(method),
                "marker": methods.marker(method),
            }
            _line(axes, line, "labelled_images", label=label, end=label, dashes=dashes, **look)
            drawn.append(line)
    return drawn


def _by_pretraining(
    axes: Axes, rows: pd.DataFrame, numbers: pd.DataFrame, *, pretrained: pd.DataFrame
) -> None:
    """Draw accuracy against pretraining images, a line per number of labelled images, and training
    from scratch on as many labels as a level line."""
    shades = colours.of_quantities(pretrained["labelled_images"], "plasma")
    curve = rows[rows["curve"] != lengths.CONTROL].sort_values("pretrain_images")
    for n_labels, line in curve.groupby("labelled_images"):
        end = names.count(n_labels)
        _line(axes, line, "pretrain_images", label=end, end=end, colour=shades[n_labels])
    scratch = numbers[(numbers["series"] == "scratch") & (numbers["protocol"] == "scratch")]
    for level in scratch[scratch["labelled_images"].isin(shades)].itertuples():
        look: style.Look = {"color": shades[level.labelled_images], "linewidth": 0.7, "zorder": 1}
        axes.axhline(level.top1, linestyle=(0, (5, 2)), **look)
    if len(scratch):
        axes.plot([], [], color=style.QUIET, linestyle=(0, (5, 2)), label=SCRATCH_TOO)
    lengths.draw_controls(axes, rows, x="pretrain_images", lines="labelled_images", colours=shades)
    first = rows[rows["curve"] != lengths.CONTROL].iloc[0]
    label = lengths.images_label(first["curve"], first["length"])
    panels.images_axis(axes, rows["pretrain_images"], label)
    chance.line(axes, rows, keep_range_of=rows["top1"])


def _line(
    axes: Axes,
    rows: pd.DataFrame,
    x: str,
    *,
    label: str,
    end: str,
    colour: object,
    marker: str = "o",
    dashes: str = "-",
) -> None:
    """Draw a line of accuracies with its band, and the published ones over it."""
    look: style.Look = {"colour": colour, "marker": marker}
    panels.line(axes, rows[x], rows, label=label, end=end, dashes=dashes, **look)
    published_markers.draw(axes, rows[x], rows["published"], **look)

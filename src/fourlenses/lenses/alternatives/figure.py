"""Alternatives: top-1 accuracy against labels, of all that a user can do with a number of labels.

One panel per target. Colour says what the encoder is: an own pretraining by its method, at the most
images that the table has of it; an encoder that can be downloaded, in a colour of its own; one
continued on the target's images; training from scratch; the random-init encoder, and chance as a
line. The line style says how it is evaluated. Where all of a target's labels were drawn per class,
the axis is labels per class.
"""

import math
from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import bands, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection, words
from fourlenses.findings.answer import conditions
from fourlenses.lenses.alternatives.declared import Declared, read
from fourlenses.plotting import chance, colours, footer, panels, style
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH, PROTOCOLS, RANDOM_INIT

NAME = "alternatives"
KEYS = ["target", "method", "source", "protocol", "pretrain_images", "labelled_images"]
COLUMNS = [
    *("series", *KEYS, "labels_per_class", "top1", "top1_low", "top1_high", "seeds", "chance"),
]
OWN, DOWNLOADED, CONTINUED = "own", "downloaded", "continued"
SCRATCH, RANDOM = "scratch", "random"
SERIES = (OWN, DOWNLOADED, CONTINUED, SCRATCH, RANDOM)
PANEL_HEIGHT = 2.3  # inches, with axis labels
LEAST_PANEL = 2.2  # inches across, with labels
DODGE, MOST_DODGE = 0.035, 0.22  # of the x axis: between single points, and of all of them
LEAST_SPAN = 0.4  # of the logarithm along the x axis, with one number of labels
# Of external encoders, in the order of their names; apart from the colours of methods.
COLOURS = ("#000000", "#6A3D9A", "#8C564B", "#1B7837", "#8E0152")
DASHES = {
    "linear": "-",
    "linear_augmented": (0, (6, 1, 1, 1)),
    "linear_per_level": (0, (8, 2)),
    "fine_tune": "--",
    "knn": ":",
    "scratch": "--",
    "scratch_published": (0, (1, 1.5)),
}


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per point; `series` is one of `SERIES`."""
    metrics = evidence.metrics
    rows = table.at_finest(table.rows_for(metrics, NAME))
    rows = rows[rows["corruption"] == "none"]
    rows = rows.assign(series=_series(rows))
    rows = pd.concat([_of_most_images(rows[rows["series"] == name], name) for name in SERIES])
    if rows.empty:
        raise UserError(
            f"{table.where(metrics)} has neither own pretraining nor an external encoder for the "
            "lens alternatives; add `methods` or `encoders` to its section"
        )
    per_class = labels_per_class(rows)
    keys = [*KEYS, "series"]
    numbers = bands.over_seeds(rows, keys, evidence)
    cells = zip(numbers["target"], numbers["labelled_images"], strict=True)
    numbers["labels_per_class"] = [per_class.get(cell, float("nan")) for cell in cells]
    # from scratch nothing was pretrained, whatever the table counts its images as
    numbers.loc[numbers["series"] == SCRATCH, "pretrain_images"] = 0
    numbers["chance"] = chance.top1_by_chance(numbers, rows, ["target"])
    order = numbers["series"].map(SERIES.index)
    protocols = numbers["protocol"].map(list(PROTOCOLS).index)
    ranks = numbers["method"].map(lambda method: methods.rank(method)[0])
    numbers = numbers.assign(_order=order, _protocol=protocols, _rank=ranks)
    by = ["target", "_order", "_rank", "method", "source", "_protocol", "labelled_images"]
    return numbers.sort_values(by, kind="stable", ignore_index=True)[COLUMNS]


def labels_per_class(rows: pd.DataFrame) -> dict[tuple[str, int], float]:
    """Return labels per class of each target and number of labelled images, where they were drawn
    so."""
    if "labels_per_class" not in rows:
        return {}
    known = rows.dropna(subset="labels_per_class")
    cells = zip(known["target"], known["labelled_images"], strict=True)
    return dict(zip(cells, known["labels_per_class"], strict=True))


def _series(rows: pd.DataFrame) -> list[str]:
    """Of each row its series; empty where it is not shown."""
    columns = (rows[name] for name in ("method", "source", "target", "protocol"))
    return [_series_of(cell) for cell in zip(*columns, strict=True)]


def _series_of(cell: tuple[str, str, str, str]) -> str:
    """Return the series of a cell: its method, source, target and protocol."""
    method, source, target, protocol = cell
    if protocol in FROM_SCRATCH:
        return SCRATCH
    if method == RANDOM_INIT:
        return RANDOM if protocol in ("linear", "linear_augmented") else ""
    if method == EXTERNAL:
        return DOWNLOADED
    if not names.is_in_domain(source, target):
        return ""
    return CONTINUED if selection.start_of(source) else OWN


def _of_most_images(rows: pd.DataFrame, series: str) -> pd.DataFrame:
    """Of each pretraining the largest that the table has; of the random encoder the linear
    classifier, or that on augmented images where there is no other."""
    if series == RANDOM:
        return selection.linear(rows)
    if series not in (OWN, CONTINUED):
        return rows
    most = rows.groupby(["target", "method"])["pretrain_images"].transform("max")
    return rows[rows["pretrain_images"] == most]


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of the alternatives lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    targets = sorted(numbers["target"].unique())
    per_row = style.columns(len(targets), LEAST_PANEL)
    height = 0.6 + PANEL_HEIGHT * -(-len(targets) // per_row)
    figure = style.new_figure(len(targets), height=height)
    grid = panels.grid(figure, len(targets), per_row=per_row)[0]
    shades = encoder_colours(numbers)
    declared = read(evidence.metrics)
    for index, (axes, target) in enumerate(zip(grid, targets, strict=True)):
        rows = numbers[numbers["target"] == target]
        x = _axis(axes, rows)
        # from scratch every label size has a source of its own
        rows = rows.assign(encoder=rows["source"].where(rows["series"] != SCRATCH))
        by = ["series", "method", "encoder", "protocol"]
        lines = [line for _, line in rows.groupby(by, sort=False, dropna=False)]
        shifts = _shifts(lines, rows[x])
        for line, shift in zip(lines, shifts, strict=True):
            _line(axes, line.assign(**{x: line[x] * shift}), x, shades=shades)
        chance.line(axes, rows)
        axes.set_title(_title(target, rows, declared))
        if index % per_row == 0:
            axes.set_ylabel("top-1 accuracy, %")
    _protocols_in_legend(grid[0], numbers)
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 4, without=[chance.LABEL])
    shown = numbers.loc[numbers["series"] == OWN, "method"]
    own = footer.text(evidence, shown, numbers["seeds"], targets=targets)
    footer.write(figure, *filter(None, [own, _others(evidence, numbers)]))
    return figure, numbers


def _others(evidence: Evidence, numbers: pd.DataFrame) -> str:
    """`lite0 (tf_efficientnet_lite0, 224 px) · continued for 200 steps`: networks and lengths that
    are not those of own pretraining."""
    metrics = evidence.metrics
    drawn = [
        set(numbers.loc[numbers["series"] == name, "source"]) for name in (DOWNLOADED, CONTINUED)
    ]
    external, continued = (metrics[metrics["source"].isin(sources)] for sources in drawn)
    steps = words.steps(continued) if len(continued) else None
    length = [f"continued for {words.images(steps)} steps"] if steps else []
    return footer.SEPARATOR.join([*conditions.downloads(external), *length])


def _title(target: str, rows: pd.DataFrame, declared: dict[str, Declared]) -> str:
    """Return the target's name, and who has seen its images: their numbers are no test of them."""
    external = rows.loc[rows["series"] == DOWNLOADED, "source"].unique()
    seen = [name for name in external if target in declared.get(name, Declared()).labels_of]
    who = f"\n(seen by {' and '.join(map(names.source, seen))})" if seen else ""
    return f"{names.dataset(target)}{who}"


def encoder_colours(numbers: pd.DataFrame) -> dict[str, str]:
    """Return a colour for each external encoder, by the order of their names."""
    encoders = sorted(numbers.loc[numbers["series"] == DOWNLOADED, "source"].unique())
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(encoders)}


def _axis(axes: Axes, rows: pd.DataFrame) -> str:
    """Make the x axis and return the column along it."""
    x = "labelled_images" if rows["labels_per_class"].isna().any() else "labels_per_class"
    label = "labelled images" if x == "labelled_images" else "labelled images per class"
    panels.images_axis(axes, rows[x].astype(int), label)
    return x


def _shifts(lines: list[pd.DataFrame], x: pd.Series) -> list[float]:
    """Return a factor for the x of each line: single points stand next to each other, for they
    share a number of labels; 1 for a line of several."""
    single = [index for index, line in enumerate(lines) if len(line) == 1]
    span = max(math.log(x.max() / x.min()), LEAST_SPAN)
    step = min(DODGE, MOST_DODGE / max(1, len(single))) * span
    places = {line: place - (len(single) - 1) / 2 for place, line in enumerate(single)}
    return [math.exp(step * places.get(index, 0.0)) for index in range(len(lines))]


def _line(axes: Axes, rows: pd.DataFrame, x: str, *, shades: dict[str, str]) -> None:
    """Draw a line, with the number of its encoder in the legend at its end."""
    first = rows.iloc[0]
    own_colour = colours.of_method(first["method"])
    panels.line(
        axes,
        rows[x],
        rows,
        colour=shades.get(first["source"], own_colour),
        end=_short(first),
        label=_label(first),
        marker=methods.marker(first["method"]),
        dashes=DASHES[first["protocol"]],
    )


def _short(first: pd.Series) -> str:
    """Return what a line is, in a word or two, and its protocol where it is not linear."""
    what = {
        DOWNLOADED: names.source(first["source"]),
        OWN: methods.label(first["method"]),
        CONTINUED: "continued",  # the legend names the start
        SCRATCH: "scratch",
        RANDOM: "random",
    }[first["series"]]
    how = {"fine_tune": ", tuned", "knn": ", k-NN"}.get(first["protocol"], "")
    return what + how


def _label(first: pd.Series) -> str:
    """Return what a line is, without how it is evaluated."""
    method, source = methods.label(first["method"]), first["source"]
    if first["series"] == DOWNLOADED:
        return f"downloaded: {names.source(source)}"
    if first["series"] == CONTINUED:
        return f"{selection.start_of(source)} continued: {method}"
    if first["series"] == OWN:
        return f"own {method}"
    return "from scratch" if first["series"] == SCRATCH else method


def _protocols_in_legend(axes: Axes, numbers: pd.DataFrame) -> None:
    """Add the line styles, by protocol, to what the legend is made of."""
    shown: Iterable[str] = names.in_order(numbers["protocol"], PROTOCOLS)
    encoders = numbers.loc[numbers["series"] != SCRATCH, "protocol"].unique()
    for protocol in shown:
        if protocol in encoders:
            look: style.Look = {"color": style.QUIET, "linestyle": DASHES[protocol]}
            axes.plot([], [], label=names.protocol(protocol), **look)

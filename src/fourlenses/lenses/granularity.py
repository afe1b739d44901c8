"""Task granularity (the paper's Fig. 5): accuracy from coarse labels to fine, and how far contrastive lags at each level.

Classifiers are trained once on the finest labels; the evaluation coarsens predictions and labels, so a level is a way of
counting, not another training run. One panel per target: above, top-1 per level for contrastive, supervised and random
encoders; below, supervised less contrastive (interval: `contrasts.difference`, paired by seed). Hollow markers are the paper's numbers
on the same dataset and level. Levels stand in the order of the table,
turned round where that begins with the finest.

Of each method the one encoder is shown that has most to go by: clean pretraining on the target's own dataset if there is
any, the most pretraining images, the most labelled images. For supervised that is end-to-end training on the labels, as in
the paper, and a linear classifier on supervised features only where the table has no such run.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.errors import UserError
from fourlenses.lenses import contrasts, hollow, methods, names, panels, published_beside, style, table
from fourlenses.lenses.domain_contrasts import paired_beside

NAME = "granularity"
KEYS = ["target", "method", "source", "pretrain_images", "labelled_images", "protocol", "level"]
SUPERVISED_PROTOCOLS = ("scratch", "linear")


def numbers_drawn(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per point; a contrastive row also has its `gap` to supervised with the gap's interval, in points."""
    rows = table.rows_for(metrics, NAME)
    clean = rows[rows["corruption"] == "none"]
    chosen = [_encoder(group, method, target) for (target, method), group in clean.groupby(["target", "method"], sort=False)]
    chosen = [group for group in chosen if len(group)]
    if not chosen:
        raise UserError(
            f"{table.where(metrics)} has no linear or scratch evaluation of clean pretraining for the lens granularity; "
            "add one to the study"
        )
    chosen = pd.concat(chosen)
    numbers = table.over_seeds(chosen, KEYS)
    finest = table.finest_levels(metrics)
    places = {
        (target, level): place
        for target, group in rows.groupby("target")
        for place, level in enumerate(table.levels_in_order(group, finest[target]))
    }
    numbers["place"] = [places[key] for key in zip(numbers["target"], numbers["level"], strict=True)]
    numbers["_method"] = numbers["method"].map(methods.place)
    numbers = numbers.sort_values(["target", "_method", "place"], ignore_index=True).drop(columns="_method")
    intervals = paired_beside(metrics)
    gaps = [_gap(chosen, one.target, one.method, one.level, intervals) for one in numbers.itertuples()]
    numbers = numbers.join(pd.DataFrame(gaps, numbers.index, columns=["gap", "gap_low", "gap_high"], dtype=float))
    return _with_published(numbers, metrics)


def _encoder(rows: pd.DataFrame, method: str, target: str) -> pd.DataFrame:
    """The rows of the one encoder and protocol of `method` that is shown for `target`."""
    protocols = SUPERVISED_PROTOCOLS if method == "supervised" else ("linear",)
    protocol = next((name for name in protocols if (rows["protocol"] == name).any()), None)
    rows = rows[rows["protocol"] == protocol]
    own = rows["source"].map(lambda source: names.is_in_domain(source, target))
    rows = rows[own] if own.any() else rows
    for column in ("labelled_images", "pretrain_images"):
        rows = rows[rows[column] == rows[column].max()]
    return rows[rows["source"] == rows["source"].min()] if len(rows) else rows


def _gap(chosen: pd.DataFrame, target: str, method: str, level: str, intervals: pd.DataFrame | None) -> tuple | None:
    """Supervised less contrastive with its bounds, over the seeds that both have."""
    here = chosen[(chosen["target"] == target) & (chosen["level"] == level)]
    supervised, own = here[here["method"] == "supervised"], here[here["method"] == method]
    shared = set(zip(supervised["seed"], supervised["label_draw"], strict=True)) & set(zip(own["seed"], own["label_draw"], strict=True))
    if not methods.is_contrastive(method) or not shared:
        return (float("nan"),) * 3
    gap = contrasts.difference(supervised, own, intervals)
    return gap.estimate, gap.low, gap.high


def _with_published(numbers: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """The paper's top-1 for the same target, method and level as `published_top1`, and its gap."""
    rows = published_beside.rows_beside(metrics, NAME)
    top1 = rows.set_index(["target", "method", "level"])["top1"].to_dict()
    own = [top1.get(key, float("nan")) for key in zip(numbers["target"], numbers["method"], numbers["level"], strict=True)]
    supervised = [
        top1.get((target, "supervised", level), float("nan")) for target, level in zip(numbers["target"], numbers["level"], strict=True)
    ]
    numbers["published_top1"] = own
    numbers["published_gap"] = (numbers["published_top1"] * -1 + supervised).where(numbers["method"].map(methods.is_contrastive))
    return numbers


@style.context()
def draw(metrics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The figure of the granularity lens and the numbers in it."""
    numbers = numbers_drawn(metrics)
    targets = sorted(numbers["target"].unique())
    gap = numbers["gap"].notna().any()
    figure = style.new_figure(len(targets), height=3.6 if gap else 2.5)
    grid = figure.subplots(1 + gap, len(targets), squeeze=False, sharey="row", height_ratios=[2, 1][: 1 + gap])
    colours = style.dataset_colours(metrics["target"])
    for column, target in enumerate(targets):
        rows = numbers[numbers["target"] == target]
        levels = rows.drop_duplicates("level").sort_values("place")
        for method, points in rows.groupby("method", sort=False):
            _lines(grid[:, column], points, method)
        for axes in grid[:, column]:
            _levels_axis(axes, levels, last=axes is grid[-1, column])
        panels.title(grid[0, column], names.dataset(target), colours[target])
    grid[0, 0].set_ylabel("top-1 accuracy, %")
    if gap:
        grid[1, 0].set_ylabel("supervised less\ncontrastive, points")
        for axes in grid[1]:
            axes.axhline(0, color="black", linewidth=0.6)
    figure.align_xlabels(grid[-1])
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 5)
    return figure, numbers


def _lines(column: list[Axes], points: pd.DataFrame, method: str) -> None:
    """A method's accuracy, and under it its gap where it has one."""
    colour, marker = methods.colour(method), methods.marker(method)
    panels.line(column[0], points["place"], points, colour, methods.label(method), marker, dashed=method == "random")
    hollow.mark(column[0], points["place"], points["published_top1"], colour, marker)
    gap = points[points["gap"].notna()]
    if len(gap):
        hollow.mark(column[1], gap["place"], gap["published_gap"], colour, marker)
        gap = pd.DataFrame({"place": gap["place"], "top1": gap["gap"], "top1_low": gap["gap_low"], "top1_high": gap["gap_high"]})
        panels.line(column[1], gap["place"], gap, colour, methods.label(method), marker)


def _levels_axis(axes: Axes, levels: pd.DataFrame, last: bool) -> None:
    """A tick per level; their names stand under the lowest panel only."""
    axes.set_xticks(list(levels["place"]), list(levels["level"]) if last else [""] * len(levels))
    beside = max(0.3, 0.04 * len(levels))
    axes.set_xlim(levels["place"].min() - beside, levels["place"].max() + beside)
    axes.grid(True)
    if last:
        axes.set_xlabel("label level, coarse to fine")
        if len(levels) > 3:
            panels.slant(axes, 90 if len(levels) > 8 else 50)

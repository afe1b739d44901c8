"""Data quality (the paper's Fig. 4): what corrupting the pretraining images costs, for contrastive and supervised pretraining.

A bar is top-1 after clean pretraining less top-1 after pretraining on corrupted images, all else equal (method, source,
number of images, target, labelled images, seed): a linear classifier, trained and tested on clean images. Whiskers are the
95 % interval of `contrasts.difference`, paired by seed. Hollow markers are the paper's drops on the same dataset, which is of 1M
images there. A grid of panels: rows are pretraining sources, columns targets.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.errors import UserError
from fourlenses.lenses import contrasts, hollow, methods, names, panels, published_beside, style, table
from fourlenses.lenses.domain_contrasts import paired_beside

NAME = "quality"
BAR = 0.17  # inches
KEYS = ["method", "source", "pretrain_images", "target", "labelled_images"]


def numbers_drawn(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per bar: source, target, corruption, method, the two accuracies and the drop with its interval, in points."""
    rows = table.at_finest(table.rows_for(metrics, NAME), metrics)
    rows = rows[(rows["protocol"] == "linear") & (rows["method"] != "random")]
    corrupted = rows[rows["corruption"] != "none"].copy()
    if corrupted.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of corrupted pretraining for the lens quality "
            f"(corruptions found: {', '.join(rows['corruption'].unique()) or 'none'}); add corruptions to the study"
        )
    corrupted = table.at_most_labels(corrupted)
    corrupted["source"] = corrupted["source"].map(names.clean_source)
    # The clean counterpart may be in the table for another lens alone, so it is looked for in all of it.
    clean = metrics[(metrics["corruption"] == "none") & (metrics["protocol"] == "linear")]
    clean = table.at_finest(clean, metrics)
    pairs = corrupted.merge(clean[[*KEYS, "seed", "label_draw"]], how="left", on=[*KEYS, "seed", "label_draw"], indicator=True)
    paired = corrupted[(pairs["_merge"] == "both").to_numpy()]
    lacking = corrupted.merge(paired[[*KEYS, "corruption"]].drop_duplicates(), how="left", on=[*KEYS, "corruption"], indicator=True)
    lacking = lacking[lacking["_merge"] == "left_only"]
    if len(lacking):
        first = lacking.iloc[0]
        raise UserError(
            f"{table.where(metrics)} has {first['method']} on {first['source']} with {first['corruption']} "
            f"for {first['target']} but no clean pretraining of the same images and seed at "
            f"{first['labelled_images']} labelled images; add it to the study"
        )
    order = names.in_order(corrupted["corruption"], ())
    intervals = paired_beside(metrics)
    bars = [_bar(rows, clean, intervals) for _, rows in paired.groupby([*KEYS, "corruption"])]
    numbers = pd.DataFrame(bars)
    known = _published_drops(metrics)
    sides = zip(numbers["source"], numbers["target"], numbers["corruption"], numbers["method"], strict=True)
    numbers["published_drop"] = [known.get((names.datasets(source), *rest)) for source, *rest in sides]
    numbers["published_drop"] = numbers["published_drop"].astype(float)
    numbers["_corruption"] = numbers["corruption"].map(order.index)
    numbers["_method"] = numbers["method"].map(methods.place)
    numbers = numbers.sort_values(["source", "target", "_corruption", "_method"], ignore_index=True)
    columns = ["source", "target", "corruption", "method", "pretrain_images", "labelled_images"]
    return numbers[[*columns, "clean_top1", "corrupted_top1", "drop", "drop_low", "drop_high", "seeds", "published_drop"]]


def _bar(corrupted: pd.DataFrame, clean: pd.DataFrame, intervals: pd.DataFrame | None) -> dict:
    """The drop by one corruption, over the seeds that both sides have."""
    same = clean.merge(corrupted[[*KEYS, "seed", "label_draw"]], on=[*KEYS, "seed", "label_draw"])
    drop = contrasts.difference(same, corrupted, intervals)
    accuracies = {"clean_top1": same["top1"].mean(), "corrupted_top1": corrupted["top1"].mean()}
    bounds = {"drop": drop.estimate, "drop_low": drop.low, "drop_high": drop.high, "seeds": drop.seeds}
    return {**corrupted.iloc[0][[*KEYS, "corruption"]].to_dict(), **accuracies, **bounds}


def _published_drops(metrics: pd.DataFrame) -> dict[tuple, float]:
    """(datasets pretrained on, target, corruption, method) -> the paper's drop in points."""
    rows = published_beside.rows_beside(metrics, NAME)
    key = ["target", "method"]
    clean = rows[rows["corruption"] == "none"].set_index(key)["top1"]
    corrupted = rows[rows["corruption"] != "none"]
    return {
        (names.datasets(one.source), one.target, one.corruption, one.method): clean[one.target, one.method] - one.top1
        for one in corrupted.itertuples()
    }


@style.context()
def draw(metrics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The figure of the quality lens and the numbers in it."""
    numbers = numbers_drawn(metrics)
    sources, targets = sorted(numbers["source"].unique()), sorted(numbers["target"].unique())
    shown = methods.in_order(numbers["method"])
    corruptions = names.in_order(numbers["corruption"], metrics["corruption"].unique())
    height = 0.75 + len(sources) * (0.45 + BAR * len(corruptions) * (len(shown) + 0.6))
    figure = style.new_figure(len(targets), height)
    grid = figure.subplots(len(sources), len(targets), squeeze=False, sharey=True, sharex=True)
    colours = style.dataset_colours(metrics["target"])
    for source, line in zip(sources, grid, strict=True):
        for target, axes in zip(targets, line, strict=True):
            rows = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
            _panel(axes, rows, shown, corruptions)
            panels.title(axes, f"{names.source(source)} → {names.dataset(target)}", colours[target])
    for axes in grid[-1]:
        axes.set_xlabel("drop in top-1, points")
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 4)
    return figure, numbers


def _panel(axes: Axes, rows: pd.DataFrame, shown: list[str], corruptions: list[str]) -> None:
    """Bars of all methods side by side for each corruption, the first corruption on top."""
    thick = 0.8 / len(shown)
    for place, method in enumerate(shown):
        bars = rows[rows["method"] == method]
        y = bars["corruption"].map(corruptions.index) + (place - (len(shown) - 1) / 2) * thick
        label = f"{methods.label(method)} pretraining"
        axes.barh(y, bars["drop"], height=0.92 * thick, color=methods.colour(method), label=label)
        axes.hlines(y, bars["drop_low"], bars["drop_high"], color="black", linewidth=0.8)
        known = bars["published_drop"].notna()
        hollow.mark(axes, bars["published_drop"][known], y[known], "black", methods.marker(method))
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_yticks(range(len(corruptions)), [names.corruption(name) for name in corruptions])
    axes.set_ylim(len(corruptions) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")

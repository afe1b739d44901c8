"""How much worse does worse get: the drop of the quality lens against the severity of a corruption, contrastive beside supervised.

A family of corruptions (jpeg, blur, …) is one panel; its severities 1 to 5 are those of `data/corruption_names.py`, whose parameter
stands under each. The paper's own corruptions are severities of their families, so that downsample2 and downsample4 make a curve. Drops are
those of the figure `quality`. A study needs two severities of a family; others are left out.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.lenses.quality import figure as quality_figure
from fourlenses.plotting import basis, hollow, panels, sentence, style
from fourlenses.study import methods, names
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.vocabulary import CORRUPTION_FAMILIES

NAME = "quality_severity"
CURVE = ["source", "target", "family"]


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per point: the bars of `quality` with family, severity and parameter, of families that have two severities."""
    bars = quality_figure.numbers_drawn(evidence)
    bars = bars[bars["corruption"].isin(CORRUPTIONS)].copy()
    bars["family"] = [CORRUPTIONS[name][0] for name in bars["corruption"]]
    bars["parameter"] = [CORRUPTIONS[name][1] for name in bars["corruption"]]
    bars["severity"] = [
        CORRUPTION_FAMILIES[bar.family].severities.index(bar.parameter) + 1
        for bar in bars.itertuples()
    ]
    # two names of one severity (jpeg10, jpeg_s4) are the same images
    bars = bars.drop_duplicates([*CURVE, "severity", "method", "pretrain_images"])
    several = bars.groupby([*CURVE, "method"])["severity"].transform("nunique") > 1
    bars = bars[several.astype(bool)]
    bars["_family"] = bars["family"].map(list(CORRUPTION_FAMILIES).index)
    bars["_method"] = bars["method"].map(methods.place)
    order = ["source", "target", "_family", "_method", "severity"]
    columns = [
        "source",
        "target",
        "family",
        "severity",
        "parameter",
        "corruption",
        "method",
        "pretrain_images",
        "labelled_images",
    ]
    return bars.sort_values(order, ignore_index=True)[
        [*columns, "drop", "drop_low", "drop_high", "seeds", "published_drop"]
    ]


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The curves of drop against severity and the numbers in them."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        text = "No family of corruptions was pretrained on at two severities. For a curve, give the lens quality several of a family: "
        return sentence.figure(text + "corruptions: [blur_s1, blur_s3, blur_s5]"), numbers
    blocks = list(dict.fromkeys(zip(numbers["source"], numbers["target"], strict=True)))
    families = names.in_order(numbers["family"], CORRUPTION_FAMILIES)
    figure = style.new_figure(len(families), height=0.5 + 1.9 * len(blocks))
    grid = figure.subplots(len(blocks), len(families), squeeze=False, sharey="row")
    colours = style.dataset_colours(evidence.metrics["target"])
    for (source, target), line in zip(blocks, grid, strict=True):
        here = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
        for family, axes in zip(families, line, strict=True):
            _panel(axes, here[here["family"] == family], family)
            panels.title(axes, names.corruption(family), colours[target])
        line[0].set_ylabel(
            f"drop in top-1, points\n({names.source(source)} → {names.dataset(target)})"
        )
    panels.legend_below(figure, columns=2 if len(families) == 1 else 4)
    basis.write(figure, basis.text(evidence, numbers["method"], numbers["seeds"]))
    return figure, numbers


def _panel(axes: Axes, rows: pd.DataFrame, family: str) -> None:
    for method in methods.in_order(rows["method"]):
        points = rows[rows["method"] == method]
        points = points.rename(
            columns={"drop": "top1", "drop_low": "top1_low", "drop_high": "top1_high"}
        )
        label = f"{methods.label(method)} pretraining"
        hollow.mark(
            axes,
            points["severity"],
            points["published_drop"],
            methods.colour(method),
            methods.marker(method),
        )
        panels.line(
            axes, points["severity"], points, methods.colour(method), label, methods.marker(method)
        )
    axes.axhline(0, color="black", linewidth=0.6)
    values = CORRUPTION_FAMILIES[family].severities
    ticks = [f"{severity}\n{parameter:g}" for severity, parameter in enumerate(values, 1)]
    axes.set_xticks(range(1, 6), ticks)
    axes.set_xlim(0.7, 5.3)
    axes.set_xlabel(f"severity\n({CORRUPTION_FAMILIES[family].parameter})")
    axes.grid(True)

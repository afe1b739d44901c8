"""Drop of the quality lens against the severity of a corruption, contrastive and supervised.

A family of corruptions (jpeg, blur, …) is one panel; under its severities 1 to 5 are their
parameters (`study.corruptions`). The paper's corruptions are severities of their families, so that
downsample2 and downsample4 make a curve. Drops are those of the figure `quality`. A study needs two
severities of a family; others are left out.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.lenses.quality import figure as quality_figure
from fourlenses.plotting import footer, panels, published_markers, style
from fourlenses.study import methods, names
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.vocabulary import CORRUPTION_FAMILIES

CURVE = ["source", "target", "family"]
COLUMNS = [
    *("source", "target", "family", "severity", "parameter", "corruption", "method"),
    *("pretrain_images", "labelled_images"),
    *("drop", "drop_low", "drop_high", "seeds", "published_drop"),
]


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per point: the bars of `quality` with family, severity and parameter.

    Only of families that have two severities.
    """
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
    bars["_method"] = bars["method"].map(methods.rank)
    order = ["source", "target", "_family", "_method", "severity"]
    return bars.sort_values(order, ignore_index=True)[COLUMNS]


@style.context()
def draw(evidence: Evidence) -> tuple[Figure | None, pd.DataFrame]:
    """Return the curves of drop against severity and the numbers in them."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        return None, numbers
    blocks = list(dict.fromkeys(zip(numbers["source"], numbers["target"], strict=True)))
    families = names.in_order(numbers["family"], CORRUPTION_FAMILIES)
    figure = style.new_figure(len(families), height=0.5 + 1.9 * len(blocks))
    grid = figure.subplots(len(blocks), len(families), squeeze=False, sharey="row")
    colours = style.dataset_colours(evidence.metrics["target"])
    for (source, target), row in zip(blocks, grid, strict=True):
        drops = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
        for family, axes in zip(families, row, strict=True):
            _panel(axes, drops[drops["family"] == family], family)
            panels.title(axes, names.corruption(family), colours[target])
        pair = f"{names.source(source)} → {names.dataset(target)}"
        row[0].set_ylabel(f"drop in top-1, points\n({pair})")
    panels.legend_below(figure, columns=2 if len(families) == 1 else 4)
    footer.write(figure, footer.text(evidence, numbers["method"], numbers["seeds"]))
    return figure, numbers


def _panel(axes: Axes, rows: pd.DataFrame, family: str) -> None:
    for method in methods.in_order(rows["method"]):
        points = rows[rows["method"] == method]
        severity, published = points["severity"], points["published_drop"]
        look: style.Look = {"colour": methods.colour(method), "marker": methods.marker(method)}
        published_markers.draw(axes, severity, published, **look)
        label = f"{methods.label(method)} pretraining"
        panels.line(axes, severity, points, label=label, y="drop", **look)
    axes.axhline(0, color="black", linewidth=0.6)
    values = CORRUPTION_FAMILIES[family].severities
    ticks = [f"{severity}\n{value:g}" for severity, value in enumerate(values, 1)]
    axes.set_xticks(range(1, 6), ticks)
    axes.set_xlim(0.7, 5.3)
    axes.set_xlabel(f"severity\n({CORRUPTION_FAMILIES[family].parameter})")
    axes.grid(True)

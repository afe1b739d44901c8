"""Change of the quality lens against the severity of a corruption, contrastive and supervised.

A family of corruptions (jpeg, blur, …) is one panel; under its severities 1 to 5 are their
parameters (`study.corruptions`). The paper's corruptions are severities of their families, so that
downsample2 and downsample4 make a curve. Changes are those of the figure `quality`; at severity 0,
clean images, there is none. A study needs two
severities of a family; others are left out.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.lenses.quality import figure as quality_figure
from fourlenses.plotting import colours, footer, panels, published_markers, style
from fourlenses.study import methods, names
from fourlenses.study.corruptions import CORRUPTION_FAMILIES, CORRUPTIONS

CURVE = ["source", "target", "family"]
COLUMNS = [
    *("source", "target", "family", "severity", "parameter", "corruption", "method"),
    *("pretrain_images", "labelled_images"),
    *("change", "change_low", "change_high", "seeds", "published_change"),
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
    """Return the curves of change against severity and the numbers in them."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        return None, numbers
    blocks = list(dict.fromkeys(zip(numbers["source"], numbers["target"], strict=True)))
    families = names.in_order(numbers["family"], CORRUPTION_FAMILIES)
    per_row = style.columns(len(families))
    rows = len(blocks) * -(-len(families) // per_row)
    figure = style.new_figure(len(families), height=0.4 + 1.9 * rows)
    grid = panels.grid(figure, len(families), per_row=per_row, blocks=len(blocks))
    for (source, target), block in zip(blocks, grid, strict=True):
        changes = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
        for axes, family in zip(block, families, strict=True):
            of_family = changes[changes["family"] == family]
            if of_family.empty:
                axes.set_axis_off()
                continue
            _panel(axes, of_family, family)
            pair = f"{names.source(source)} → {names.dataset(target)}"
            axes.set_title(f"{names.corruption_family(family)}\n{pair}")
        shown = [axes for axes in block if axes.axison]
        for axes in shown[::per_row]:
            axes.set_ylabel(f"change of top-1,\npoints ({panels.BETTER_UP})")
    panels.legend_below(figure, columns=2 if len(families) == 1 else 4)
    targets = sorted({target for _, target in blocks})
    text = footer.text(
        evidence, numbers["method"], numbers["seeds"], lens="quality", targets=targets
    )
    footer.write(figure, text)
    return figure, numbers


def _panel(axes: Axes, rows: pd.DataFrame, family: str) -> None:
    for method in methods.in_order(rows["method"]):
        points = rows[rows["method"] == method]
        severity, published = points["severity"], points["published_change"]
        look: style.Look = {"colour": colours.of_method(method), "marker": methods.marker(method)}
        published_markers.draw(axes, severity, published, **look)
        label = f"{methods.label(method)} pretraining"
        panels.line(axes, severity, points, label=label, y="change", **look)
        first = points.sort_values("severity").iloc[0]
        from_clean: style.Look = {"linewidth": 0.8, "linestyle": ":", "color": look["colour"]}
        axes.plot([0, first["severity"]], [0.0, first["change"]], **from_clean)
    axes.plot(0, 0, "o", color=style.QUIET, markersize=2.5)
    axes.axhline(0, color="black", linewidth=0.6)
    values = CORRUPTION_FAMILIES[family].severities
    last = int(rows["severity"].max())
    labels = ["clean", *(f"{severity}\n{value:g}" for severity, value in enumerate(values, 1))]
    axes.set_xticks(range(last + 1), labels[: last + 1])
    axes.set_xlim(-0.4, last + 0.4)
    axes.set_xlabel(f"severity\n({CORRUPTION_FAMILIES[family].parameter})")
    panels.accuracy_axis(axes)

"""Is the target's own domain worth having, and do others add to it? (The paper's section 4.2, Tables 2 and 3.)

One panel per target, differences in top-1 around zero, with intervals. On top the in-domain bonus: in-domain pretraining less the best,
and less the mean, of the other datasets at the same number of images. Then pools of several datasets less in-domain pretraining: at the
same total number of images, and at as many as the pool has of each. Then features of several encoders side by side less those of each
alone. See `domain_contrasts` for what is held against what.
"""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.lenses import domain_contrasts, methods, names, panels, sentence, style
from fourlenses.lenses.domain_contrasts import BEST, FUSED, MEAN, PER_DOMAIN, TOTAL

NAME = "domain_pools"
LINE = 0.2  # inches for a line of the labels
ORDER = [BEST, MEAN, TOTAL, PER_DOMAIN, FUSED]
SECTIONS = {BEST: 0, MEAN: 0, TOTAL: 1, PER_DOMAIN: 1, FUSED: 2}
MARKERS = {BEST: "o", MEAN: "o", TOTAL: "s", PER_DOMAIN: "D", FUSED: "o"}
SPREAD = 0.22  # of a line, between what stands on it


def numbers_drawn(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per point, in points of top-1."""
    numbers = domain_contrasts.comparisons(metrics)
    numbers["_order"] = [(ORDER.index(one.comparison), one.source, one.reference) for one in numbers.itertuples()]
    numbers["_method"] = numbers["method"].map(methods.place)
    return numbers.sort_values(["target", "_method", "_order"], ignore_index=True).drop(columns=["_order", "_method"])


@style.context()
def draw(metrics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The figure of pools, fused encoders and the in-domain bonus, and the numbers in it."""
    numbers = numbers_drawn(metrics)
    if numbers.empty:
        text = (
            "One pretraining dataset, or none beside in-domain pretraining of as many images: there is nothing to compare across domains."
        )
        return sentence.figure(text), numbers
    several = numbers.loc[numbers["comparison"] == BEST, "images"].nunique() > 1
    labels = {key: _label(key, several) for key in sorted(set(map(_line, numbers.itertuples())))}
    lines = list(dict.fromkeys((section, label) for (section, *_), label in labels.items()))
    targets, shown = sorted(numbers["target"].unique()), methods.in_order(numbers["method"])
    breadth = sum(1 + label.count("\n") for _, label in lines)
    figure = style.new_figure(len(targets), height=0.95 + LINE * breadth * max(1.0, 0.6 * len(shown)))
    grid = figure.subplots(1, len(targets), squeeze=False, sharey=True)[0]
    colours = style.dataset_colours(metrics["target"])
    for axes, target in zip(grid, targets, strict=True):
        for place, method in enumerate(shown):
            points = numbers[(numbers["target"] == target) & (numbers["method"] == method)]
            y = [lines.index((key[0], labels[key])) for key in map(_line, points.itertuples())]
            _points(axes, points, [at + (place - (len(shown) - 1) / 2) * 0.5 / len(shown) for at in y], method, len(shown))
        panels.title(axes, names.dataset(target), colours[target])
        axes.axvline(0, color="black", linewidth=0.6)
        axes.grid(True, axis="x")
        for above, below in zip(range(len(lines)), range(1, len(lines)), strict=False):
            if lines[above][0] != lines[below][0]:
                axes.axhline(above + 0.5, color="#999999", linewidth=0.5)
    grid[0].set_yticks(range(len(lines)), [label for _, label in lines])
    grid[0].set_ylim(len(lines) - 0.5, -0.5)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.1)
        axes.set_xlabel("points of top-1")
    _legend(figure, grid[0], numbers, shown)
    return figure, numbers


def _line(one) -> tuple:
    """What a point's line in the figure is told by: section, comparison where it has a line of its own, datasets, reference, images."""
    section = SECTIONS[one.comparison]
    if section == 0:
        return section, one.images, ORDER.index(one.comparison)
    return (section, one.source) if section == 1 else (section, one.source, one.reference)


def _label(line: tuple, several: bool) -> str:
    """several: whether the bonus is there for more than one number of images."""
    if line[0] == 0:
        _, images, place = line
        return ORDER[place].replace(" less ", "\nless ") + (f" ({names.count(images)})" if several else "")
    return _source(line[1]) if line[0] == 1 else f"{_source(line[1])}\nless {names.source(line[2])}"


def _source(source: str) -> str:
    """A pool of equal parts names their size once."""
    parts = names.source_parts(source)
    sizes = {size for _, size in parts}
    if names.is_fused(source) or len(sizes) > 1 or None in sizes:
        return "\n".join(textwrap.wrap(names.source(source), 28))
    named = " + ".join(names.dataset(name) for name, _ in parts)
    return "\n".join([*textwrap.wrap(named, 28), f"({names.count(sizes.pop())} each)"])


def _points(axes: Axes, points: pd.DataFrame, y: list[float], method: str, several: int) -> None:
    colour = methods.colour(method)
    for at, one in zip(y, points.itertuples(), strict=True):
        shift = {TOTAL: -SPREAD, PER_DOMAIN: SPREAD}.get(one.comparison, 0.0) / max(1, several - 0.5)
        axes.hlines(at + shift, one.low, one.high, color=colour, linewidth=0.8)
        axes.plot(one.difference, at + shift, MARKERS[one.comparison], color=colour)


def _legend(figure: Figure, axes: Axes, numbers: pd.DataFrame, shown: list[str]) -> None:
    for comparison in (TOTAL, PER_DOMAIN):
        if (numbers["comparison"] == comparison).any():
            axes.plot([], [], MARKERS[comparison], color="#555555", label=comparison)
    if len(shown) > 1:
        for method in shown:
            axes.plot([], [], color=methods.colour(method), label=methods.label(method))
    if axes.get_legend_handles_labels()[1]:
        panels.legend_below(figure, columns=1 if figure.get_figwidth() == style.ONE_COLUMN else 4)

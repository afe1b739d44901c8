"""Is the target's own domain worth having, and do others add to it? (The paper's section 4.2, Tables 1 to 3.)

One panel per target, differences in top-1 around zero, with intervals, in four sections: another domain instead of as many own images;
own images pooled with others, against as many own; others added to one's own share, against that share alone; features of several
encoders side by side, against one of them, with the control of two seeds of one encoder. Hollow grey points compare encoders of unequal
steps: what they show is more images and more training at once. See `contrasts` for what is held against what.
"""

import re
import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.lenses.domain import contrasts
from fourlenses.lenses.domain.contrasts import ADDED, CONTROL, FUSED, INSTEAD, POOL
from fourlenses.plotting import basis, panels, sentence, style
from fourlenses.study import methods, names

NAME = "domain_pools"
LINE = 0.145  # inches for a line of the labels
ORDER = [INSTEAD, POOL, ADDED, FUSED, CONTROL]
SECTIONS = {INSTEAD: INSTEAD, POOL: POOL, ADDED: ADDED, FUSED: FUSED, CONTROL: FUSED}
HEADS = {
    INSTEAD: "Another domain\nminus as many own images",
    POOL: "Own pooled with others\nminus as many own images",
    ADDED: "Own share + others\nminus the share alone",
    FUSED: "Features side by side\nminus one of them",
}
KEPT = "\N{NO-BREAK SPACE}"  # a dataset and its size stay on one line
CONFOUNDED = "unequal steps: more images and more training at once"
NO_DIFFERENCE = "One pretraining dataset, or none beside in-domain pretraining of as many images: there is nothing to compare across domains."


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per point, in points of top-1."""
    numbers = contrasts.comparisons(evidence)
    numbers["_order"] = [_order(one) for one in numbers.itertuples()]
    numbers["_method"] = numbers["method"].map(methods.place)
    return numbers.sort_values(["target", "_method", "_order"], ignore_index=True).drop(
        columns=["_order", "_method"]
    )


def _order(one) -> tuple:
    """Single datasets before pools."""
    return (
        ORDER.index(one.comparison),
        len(names.source_parts(one.source)),
        one.source,
        one.reference,
    )


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The figure of pools, fused encoders and other domains, and the numbers in it."""
    numbers = numbers_drawn(evidence)
    if numbers.empty:
        return sentence.figure(NO_DIFFERENCE), numbers
    lines = _lines(numbers)
    targets, shown = sorted(numbers["target"].unique()), methods.in_order(numbers["method"])
    breadth = sum(1.1 + label.count("\n") for _, label in lines)
    figure = style.new_figure(
        len(targets), height=0.8 + LINE * breadth * max(1.0, 0.6 * len(shown))
    )
    grid = figure.subplots(1, len(targets), squeeze=False, sharey=True)[0]
    colours = style.dataset_colours(evidence.metrics["target"])
    places = _places(lines)
    for axes, target in zip(grid, targets, strict=True):
        for place, method in enumerate(shown):
            points = numbers[(numbers["target"] == target) & (numbers["method"] == method)]
            shift = (place - (len(shown) - 1) / 2) * 0.8 / len(shown)
            _points(
                axes, points, [places[_line(one)] + shift for one in points.itertuples()], method
            )
        panels.title(axes, names.dataset(target), colours[target])
        axes.axvline(0, color="black", linewidth=0.6)
        axes.grid(True, axis="x")
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.1)
        axes.set_xlabel("points of top-1")
    _labels(grid, lines, places)
    _legend(figure, grid[0], numbers, shown)
    basis.write(figure, basis.text(evidence, numbers["method"], numbers["seeds"], "whiskers"))
    return figure, numbers


def _lines(numbers: pd.DataFrame) -> list[tuple[tuple, str]]:
    """What stands in the figure from top to bottom, with its label: a head for each section, then its comparisons."""
    found: list[tuple[tuple, str]] = []
    for section, head in HEADS.items():
        here = numbers[numbers["comparison"].map(SECTIONS) == section]
        if len(here):
            found.append(((section,), head))
            ordered = sorted(here.itertuples(), key=_order)
            found += dict.fromkeys((_line(one), _label(one)) for one in ordered)
    return found


def _line(one) -> tuple:
    """What a point's line in the figure is told by; of encoders side by side the one it is held against too."""
    section = SECTIONS[one.comparison]
    return (section, one.source, one.reference) if section == FUSED else (section, one.source)


def _label(one) -> str:
    control = "control: " if one.comparison == CONTROL else ""
    against = f"\nminus {names.source(one.reference)}" if SECTIONS[one.comparison] == FUSED else ""
    return "\n".join(textwrap.wrap(control + _source(one.source), 30)) + against


def _source(source: str) -> str:
    """A pool of equal parts names their size once."""
    parts = names.source_parts(source)
    sizes = {size for _, size in parts}
    if names.is_fused(source) or len(parts) == 1 or len(sizes) > 1 or None in sizes:
        return re.sub(r"(?<![|+]) (?![|+])", KEPT, names.source(source))
    return (
        " + ".join(names.dataset(name) for name, _ in parts)
        + f" ({names.count(sizes.pop())}{KEPT}each)"
    )


def _places(lines: list[tuple[tuple, str]]) -> dict[tuple, float]:
    """The height of each line, in lines of text, from the top."""
    places, top = {}, 0.0
    for key, label in lines:
        breadth = 1.1 + label.count("\n")
        places[key] = top + breadth / 2
        top += breadth
    return places


def _labels(grid, lines: list[tuple[tuple, str]], places: dict[tuple, float]) -> None:
    grid[0].set_yticks(list(places.values()), [label for _, label in lines])
    for tick, (key, _) in zip(grid[0].get_yticklabels(), lines, strict=True):
        if len(key) == 1:
            tick.set_fontweight("bold")
    last = lines[-1]
    grid[0].set_ylim(places[last[0]] + 0.55 + last[1].count("\n") / 2, 0)
    for axes in grid:
        axes.grid(False, axis="y")
        for place, (key, label) in enumerate(lines):
            if place and len(key) == 1:
                axes.axhline(
                    places[key] - 0.55 - label.count("\n") / 2, color="#999999", linewidth=0.5
                )


def _points(axes: Axes, points: pd.DataFrame, y: list[float], method: str) -> None:
    for at, one in zip(y, points.itertuples(), strict=True):
        colour = style.PALE if one.confounded else methods.colour(method)
        axes.hlines(at, one.low, one.high, color=colour, linewidth=0.8)
        look = {"markerfacecolor": "white"} if one.confounded else {}
        axes.plot(
            one.difference, at, "D" if one.comparison == CONTROL else "o", color=colour, **look
        )


def _legend(figure: Figure, axes: Axes, numbers: pd.DataFrame, shown: list[str]) -> None:
    if (numbers["confounded"] != "").any():
        axes.plot([], [], "o", color=style.PALE, markerfacecolor="white", label=CONFOUNDED)
    if (numbers["comparison"] == CONTROL).any():
        axes.plot(
            [],
            [],
            "D",
            color=style.QUIET,
            linestyle="none",
            label="control: two seeds of one encoder side by side",
        )
    if len(shown) > 1:
        for method in shown:
            axes.plot([], [], color=methods.colour(method), label=methods.label(method))
    if axes.get_legend_handles_labels()[1]:
        panels.legend_below(figure, columns=1 if figure.get_figwidth() == style.ONE_COLUMN else 4)

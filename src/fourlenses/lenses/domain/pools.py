"""Value of the target's own domain, and of others added to it (the paper's section 4.2, Tables 1
to 3).

One panel per target, differences in top-1 around zero, with intervals, in four sections: another
domain instead of as many images of the target's dataset; these pooled with others, minus as many
alone; others added to the target's share, minus that share alone; concatenated features of several
encoders, minus one of them, with the control of two seeds of one encoder. Hollow grey points
compare encoders of unequal steps, which shows more images and more training at once, or encoders
that are not trained enough to tell. Right of zero the option that a row names is better. See
`contrasts` for what is compared with what.
"""

import re
import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.comparison import CONFOUNDED, UNTRAINED
from fourlenses.lenses.domain import contrasts
from fourlenses.lenses.domain.contrasts import ADDED, CONCATENATED, CONTROL, INSTEAD, POOL
from fourlenses.plotting import colours, footer, panels, style
from fourlenses.study import methods, names

LINE = 0.145  # inches for a line of the labels
ORDER = [INSTEAD, POOL, ADDED, CONCATENATED, CONTROL]
HEADS = {
    INSTEAD: "Another domain\nminus as many own images",
    POOL: "Own pooled with others\nminus as many own images",
    ADDED: "Own share + others\nminus the share alone",
    CONCATENATED: "Concatenated features\nminus one of them",
}
NO_BREAK = "\N{NO-BREAK SPACE}"  # a dataset and its size stay on one line
MARKERS = {CONFOUNDED: "o", UNTRAINED: "s"}  # hollow and grey: comparisons that do not count
EXCLUDED = {
    CONFOUNDED: "unequal steps: more images and more training at once",
    UNTRAINED: UNTRAINED,
}
CONTROL_LABEL = "control: two seeds of one encoder, concatenated"

Key = tuple[str, ...]  # of a line of the figure


def numbers_drawn(evidence: Evidence, trained_margin: float) -> pd.DataFrame:
    """Return one row per point, in points of top-1."""
    numbers = contrasts.comparisons(evidence, trained_margin)
    numbers["_order"] = [_order(row) for row in numbers.itertuples()]
    numbers["_method"] = numbers["method"].map(methods.rank)
    numbers = numbers.sort_values(["target", "_method", "_order"], ignore_index=True)
    return numbers.drop(columns=["_order", "_method"])


def _order(row: Any) -> tuple:
    """Sort single datasets before pools."""
    n_datasets = len(names.source_parts(row.source))
    return ORDER.index(row.comparison), n_datasets, row.source, row.reference


@style.context()
def draw(evidence: Evidence, trained_margin: float = 5.0) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure of other domains, pools and concatenated encoders, and its numbers."""
    numbers = numbers_drawn(evidence, trained_margin)
    if numbers.empty:
        return None, numbers
    wide = style.width(2) > style.ONE_COLUMN + 1
    lines = _lines(numbers, wrap=30 if wide else 22)
    targets, shown = sorted(numbers["target"].unique()), methods.in_order(numbers["method"])
    figure, grid, per_row = _panels(lines, len(targets), wide=wide, several=len(shown))
    heights = _heights(lines)
    for axes, target in zip(grid, targets, strict=True):
        for index, method in enumerate(shown):
            points = numbers[(numbers["target"] == target) & (numbers["method"] == method)]
            shift = (index - (len(shown) - 1) / 2) * 0.8 / len(shown)
            y = [heights[_key(row)] + shift for row in points.itertuples()]
            _points(axes, points, y, colour=colours.of_method(method))
        axes.set_title(names.dataset(target))
        axes.axvline(0, color="black", linewidth=0.6)
        axes.grid(True, axis="x")
        axes.margins(x=0.1)
        panels.better_right(axes, "points of top-1" if wide else "points", narrow=not wide)
    panels.same_x(grid)
    _labels(grid, lines, heights, per_row=per_row)
    _legend(figure, grid[0], numbers, shown=shown)
    look: style.Look = {"targets": targets, "intervals": "whiskers"}
    footer.write(
        figure, footer.text(evidence, numbers["method"], numbers["seeds"], lens="domain", **look)
    )
    return figure, numbers


def _panels(
    lines: list[tuple[Key, str]], count: int, *, wide: bool, several: int
) -> tuple[Figure, np.ndarray, int]:
    """Return the figure, its panels, and how many stand in a row next to the labels."""
    of_labels = 0.05 * max(len(part) for _, label in lines for part in label.split("\n"))
    width = style.width(2)
    per_row = min(count, max(2, int((width - of_labels) / (1.0 if wide else 0.9))))
    n_lines = sum(1.1 + label.count("\n") for _, label in lines)
    height = 0.6 + LINE * n_lines * max(1.0, 0.6 * several)
    figure = style.new_figure(2, height=0.2 + height * -(-count // per_row))
    style.layout(figure, w_pad=style.FAR)
    return figure, panels.grid(figure, count, per_row=per_row)[0], per_row


def _section(comparison: str) -> str:
    return CONCATENATED if comparison == CONTROL else comparison


def _lines(numbers: pd.DataFrame, *, wrap: int) -> list[tuple[Key, str]]:
    """Return the lines of the figure from top to bottom, with their labels: a head for each
    section, then its comparisons."""
    lines: list[tuple[Key, str]] = []
    for section, head in HEADS.items():
        rows = numbers[numbers["comparison"].map(_section) == section]
        if len(rows):
            lines.append(((section,), head))
            ordered = sorted(rows.itertuples(), key=_order)
            lines += dict.fromkeys((_key(row), _label(row, wrap)) for row in ordered)
    return lines


def _key(row: Any) -> Key:
    """Return the line of a point; of concatenated encoders also the encoder it is compared with."""
    section = _section(row.comparison)
    reference = (row.reference,) if section == CONCATENATED else ()
    return (section, row.source, *reference)


def _label(row: Any, wrap: int) -> str:
    control = "control: " if row.comparison == CONTROL else ""
    label = _wrapped(control + _source(row.source), wrap)
    if _section(row.comparison) == CONCATENATED:
        minus = f"minus {names.source(row.reference)}"
        label += "\n" + _wrapped(minus, wrap)
    return label


def _wrapped(text: str, wrap: int) -> str:
    lines = textwrap.wrap(text, wrap, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def _source(source: str) -> str:
    """Return the label of a source; of a pool of equal parts their size once."""
    parts = names.source_parts(source)
    sizes = {size for _, size in parts}
    size = sizes.pop()
    if names.is_concatenated(source) or len(parts) == 1 or sizes or size is None:
        return re.sub(r"(?<![|+&]) (?![|+&])", NO_BREAK, names.source(source))
    datasets = " + ".join(names.dataset(name) for name, _ in parts)
    return f"{datasets} ({names.count(size)}{NO_BREAK}each)"


def _heights(lines: list[tuple[Key, str]]) -> dict[Key, float]:
    """Return the height of each line, in lines of text, from the top."""
    heights, top = {}, 0.0
    for key, label in lines:
        n_lines = 1.1 + label.count("\n")
        heights[key] = top + n_lines / 2
        top += n_lines
    return heights


def _labels(
    grid: np.ndarray, lines: list[tuple[Key, str]], heights: dict[Key, float], *, per_row: int
) -> None:
    """Give all panels the same lines, with their labels at the first of each row."""
    last_key, last_label = lines[-1]
    for index, axes in enumerate(grid):
        texts = [label if index % per_row == 0 else "" for _, label in lines]
        axes.set_yticks(list(heights.values()), texts)
        for tick, (key, _) in zip(axes.get_yticklabels(), lines, strict=True):
            if len(key) == 1:
                tick.set_fontweight("bold")
        axes.set_ylim(heights[last_key] + 0.55 + last_label.count("\n") / 2, 0)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        for key, label in lines[1:]:
            if len(key) == 1:
                above = heights[key] - 0.55 - label.count("\n") / 2
                axes.axhline(above, color="#999999", linewidth=0.5)


def _points(axes: Axes, points: pd.DataFrame, y: list[float], *, colour: str) -> None:
    for height, row in zip(y, points.itertuples(), strict=True):
        look: style.Look = {"color": style.PALE if row.excluded else colour}
        axes.hlines(height, row.low, row.high, linewidth=0.8, **look)
        look |= {"markerfacecolor": "white"} if row.excluded else {}
        marker = MARKERS.get(row.excluded, "D" if row.comparison == CONTROL else "o")
        axes.plot(row.difference, height, marker, **look)


def _legend(figure: Figure, axes: Axes, numbers: pd.DataFrame, *, shown: list[str]) -> None:
    for word, marker in MARKERS.items():
        if (numbers["excluded"] == word).any():
            hollow: style.Look = {"color": style.PALE, "markerfacecolor": "white"}
            axes.plot([], [], marker, label=EXCLUDED[word], **hollow)
    if (numbers["comparison"] == CONTROL).any():
        axes.plot([], [], "D", color=style.QUIET, linestyle="none", label=CONTROL_LABEL)
    if len(shown) > 1:
        for method in shown:
            axes.plot([], [], color=colours.of_method(method), label=methods.label(method))
    panels.legend_below(figure, columns=1 if figure.get_figwidth() < 4 else 4)

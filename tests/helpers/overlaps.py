"""Texts of a figure that overlap or leave it, measured with the renderer."""

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from fourlenses.plotting import style

SLACK = 0.8  # points by which two boxes may overlap: boxes are larger than their letters


def problems(figure: Figure) -> list[str]:
    """Return a sentence per pair of texts that overlap, and per text that leaves the figure."""
    with style.context():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        # of an annotation the text alone, without its line
        texts = [(text, Text.get_window_extent(text, renderer)) for text in visible(figure)]
    slack = SLACK * figure.dpi / 72
    page = figure.bbox
    found = [
        f"{text.get_text()!r} leaves the figure"
        for text, box in texts
        if box.x0 < page.x0 - slack
        or box.x1 > page.x1 + slack
        or box.y0 < page.y0 - slack
        or box.y1 > page.y1 + slack
    ]
    return found + [
        f"{one.get_text()!r} and {other.get_text()!r} overlap"
        for (one, box), (other, second) in combinations(texts, 2)
        if _overlap(box, second, slack)
    ]


def closest_panels(figure: Figure) -> float:
    """Return the least distance between labels along the x axes of two panels of a row, points."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = {id(text) for text in visible(figure)}
    labels = [
        [tick.get_window_extent() for tick in axes.get_xticklabels() if id(tick) in shown]
        for axes in figure.axes
    ]
    gaps = [
        max(one.x0, other.x0) - min(one.x1, other.x1)
        for first, second in combinations(labels, 2)
        for one in first
        for other in second
        if min(one.y1, other.y1) > max(one.y0, other.y0)
    ]
    return min(gaps, default=float("inf")) * 72 / figure.dpi


def visible(figure: Figure) -> list[Text]:
    """Return the texts that are drawn; tick labels only of ticks within their axis."""
    hidden: set[int] = set()
    for axes in figure.axes:
        hidden |= _hidden(axes)
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]


def _hidden(axes: Axes) -> set[int]:
    """Of an axes that is off all texts but its own; else tick labels beyond the limits."""
    hidden = set()
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(limits)
        margin = 1e-6 * (high - low)
        every = axis.get_major_ticks() + axis.get_minor_ticks()
        shown = {
            id(tick)
            for tick in axis._update_ticks()
            if low - margin <= tick.get_loc() <= high + margin
        }
        for tick in every:
            if id(tick) not in shown or not axes.axison:
                hidden |= {id(tick.label1), id(tick.label2)}
            hidden |= set() if tick.label1.get_visible() else {id(tick.label1)}
            hidden |= set() if tick.label2.get_visible() else {id(tick.label2)}
        hidden |= {id(axis.label)} if not axes.axison else set()
    return hidden


def _overlap(one: Bbox, other: Bbox, slack: float) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    up = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > slack and up > slack

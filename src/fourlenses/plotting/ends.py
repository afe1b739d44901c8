"""Labels at the ends of lines, none over another, each with the marker of its line.

`add` puts a label into a column at the right of the panel; `spread` moves the labels of a panel
apart once the layout is known. From a line to its label leads a thin grey line, which is level
inside the panel and bends outside of it, so that it cannot be taken for data. What ends earlier
than the other lines of a panel, as a single point does, is labelled next to its end.
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, ScaledTranslation, Transform, blended_transform_factory

from fourlenses.plotting import colours
from fourlenses.plotting.spacing import spaced

# points, from the edge of the panel: end of the bend, centre of the marker, begin of the text
BEND, MARKER, TEXT = 8.0, 11.0, 15.0
NEXT_TO, CLEAR = 7.0, 3.0  # points from an end inside the panel to its label, and to its leader
TOGETHER = 12.0  # points within which lines end at the same place
REACH = 0.3  # of the panel's width: a leader as long as that would look like a curve
MOVED = 0.2  # of its height, by which a label next to its end is moved before it needs a leader
SIZE = 6.0  # points, of the font
HEAD = "#555555"
LEADER: dict[str, Any] = {"color": "#7A7A7A", "linewidth": 0.5, "solid_joinstyle": "round"}


class EndLabel(Annotation):
    """A label at the end of a line.

    Attributes:
        inside: whether it stands next to the end, within the panel.
        marked: whether its line has a marker.
    """

    def __init__(
        self, axes: Axes, text: str, *, x: float, y: float, colour: Any, marker: str
    ) -> None:
        look: dict[str, Any] = {"color": colours.of_text(colour), "fontsize": SIZE, "va": "center"}
        look |= {"annotation_clip": False, "clip_on": False, "zorder": 5}
        super().__init__(
            text, xy=(x, y), xycoords="data", xytext=(1.0, y), textcoords=_column(axes), **look
        )
        self.inside, self.marked = False, bool(marker)
        self._marker = Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=3.2)
        self._leader = Line2D([], [], **LEADER)

    def stand_inside(self, axes: Axes, x: float, *, right: bool) -> None:
        """Stand within the panel, at the right or the left of ``x``, as data."""
        self.inside = True
        self.xyann = (x, self.xy[1])
        offset = NEXT_TO if right else -NEXT_TO
        self.anncoords = axes.transData + _points(axes, offset)
        self.set_horizontalalignment("left" if right else "right")
        self.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.6, "pad": 0.4})

    def leader(self) -> list[tuple[float, float]]:
        """Return where the leader goes, pixels; nothing where the label touches its line."""
        axes = self.axes
        assert axes is not None
        unit = axes.figure.dpi / 72
        x, y = axes.transData.transform(self.xy)
        box = self.get_window_extent()
        height = (box.y0 + box.y1) / 2
        moved = abs(height - y) > MOVED * box.height
        if self.inside:
            side = 1 if box.x0 > x else -1
            edge = (box.x0 if side > 0 else box.x1) - side * unit
            far = abs(edge - x) > 2 * NEXT_TO * unit
            return [(x + side * CLEAR * unit, y), (edge, height)] if moved or far else []
        edge = max(axes.bbox.x1, x)
        begin = [(x + CLEAR * unit, y)] if x + CLEAR * unit < edge else []
        return [*begin, (edge, y), (edge + BEND * unit, height)] if moved or begin else []

    def draw(self, renderer: Any) -> None:
        """Draw the leader, the marker and the text."""
        axes = self.axes
        if not self.get_visible() or axes is None:
            return
        parts: list[tuple[Line2D, list[tuple[float, float]]]] = [(self._leader, self.leader())]
        if not self.inside:
            box = self.get_window_extent()
            left = box.x0 - (TEXT - MARKER) * axes.figure.dpi / 72
            parts.append((self._marker, [(left, (box.y0 + box.y1) / 2)]))
        for part, places in parts:
            if places:
                part.set_figure(axes.figure)
                part.set_data(*zip(*places, strict=True))
                part.draw(renderer)
        super().draw(renderer)


def _points(axes: Axes, across: float) -> Transform:
    return ScaledTranslation(across / 72, 0, axes.figure.dpi_scale_trans)


def _column(axes: Axes) -> Transform:
    """Return the place of a label: shares of the panel across, data up."""
    return blended_transform_factory(axes.transAxes, axes.transData) + _points(axes, TEXT)


def add(axes: Axes, text: str, *, x: float, y: float, colour: object, marker: str = "") -> None:
    """Label a line.

    Args:
        axes: the panel.
        text: of the label.
        x: where the line ends.
        y: likewise.
        colour: of the line.
        marker: of the line; empty: none.
    """
    axes.add_artist(EndLabel(axes, text, x=x, y=y, colour=colour, marker=marker))


def of(axes: Axes) -> list[EndLabel]:
    """Return the labels of a panel."""
    return [child for child in axes.get_children() if isinstance(child, EndLabel)]


def spread(axes: Axes) -> None:
    """Move the labels of a panel apart, as little as possible; the figure has been drawn before."""
    labels = of(axes)
    if not labels:
        return
    unit, box = axes.figure.dpi / 72, axes.get_window_extent()
    at = {label: float(axes.transData.transform(label.xy)[0]) for label in labels}
    # without a marker are levels across the panel, such as chance, which end where it does
    last = max(at[label] for label in [one for one in labels if one.marked] or labels)
    late = max(last - TOGETHER * unit, box.x1 - REACH * box.width)
    early = [label for label in labels if at[label] < late]
    _apart(axes, [label for label in labels if label not in early], box)
    for group in _groups(early, [(at[label], at[label]) for label in early], TOGETHER * unit):
        _stand_inside(axes, group, [at[label] for label in group])
    texts = [label.get_window_extent() for label in early]
    for column in _groups(early, [(text.x0, text.x1) for text in texts], 0.0):
        _apart(axes, column, box)


def _groups(
    labels: Sequence[EndLabel], spans: Sequence[tuple[float, float]], gap: float
) -> list[list[EndLabel]]:
    """Return the labels in groups, from left to right, that are more than a gap apart.

    Args:
        labels: all of them.
        spans: of each where it begins and ends, pixels.
        gap: pixels.
    """
    groups: list[list[EndLabel]] = []
    reached = float("-inf")
    for index in sorted(range(len(labels)), key=lambda index: spans[index]):
        begin, end = spans[index]
        if begin > reached + gap:
            groups.append([])
        groups[-1].append(labels[index])
        reached = max(reached, end)
    return groups


def _stand_inside(axes: Axes, group: Sequence[EndLabel], at: Sequence[float]) -> None:
    """Write labels next to the ends of their lines, on the side with room; ``at``: those ends."""
    width = max(label.get_window_extent().width for label in group)
    left, right = at[0] - axes.bbox.x0, axes.bbox.x1 - at[-1]
    to_the_right = right > 0.9 * left or right > width + NEXT_TO * axes.figure.dpi / 72
    for label in group:
        label.stand_inside(axes, group[-1 if to_the_right else 0].xy[0], right=to_the_right)


def _apart(axes: Axes, labels: Sequence[EndLabel], box: Bbox) -> None:
    """Move the labels of a column apart."""
    labels = sorted(labels, key=lambda label: label.xy[1])
    wanted = [axes.transData.transform((0.0, label.xy[1]))[1] for label in labels]
    heights = [label.get_window_extent().height for label in labels]
    outside = any(not label.inside for label in labels)
    low = box.y0 - (heights[0] / 2 if outside else 0.0)
    places = spaced(wanted, heights, low=low, high=box.y1)
    for label, place in zip(labels, places, strict=True):
        label.xyann = (label.xyann[0], axes.transData.inverted().transform((0.0, place))[1])


def head(axes: Axes, text: str) -> None:
    """Write what the labels of a panel are above them."""
    axes.annotate(
        text,
        xy=(1.0, 1.0),
        xycoords="axes fraction",
        xytext=(TEXT, 3),
        textcoords="offset points",
        fontsize=SIZE,
        color=HEAD,
        va="bottom",
        annotation_clip=False,
    )

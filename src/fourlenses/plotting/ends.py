"""Labels at the ends of lines, in a column at the right of a panel, none over another.

`add` puts a label where its line ends; `spread` moves the labels of a panel apart once the layout
is known. A thin line leads from a moved label to its line.
"""

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text

from fourlenses.plotting import colours

GAP = 5.0  # points between the panel and the column
SIZE = 6.0  # points, of the font
HEAD = "#555555"


class EndLabel(Annotation):
    """A label at the end of a line."""


def add(axes: Axes, text: str, *, x: float, y: float, colour: object) -> None:
    """Label a line.

    Args:
        axes: the panel.
        text: of the label.
        x: where the line ends.
        y: likewise.
        colour: of the line.
    """
    lead = {"arrowstyle": "-", "color": colour, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
    label = EndLabel(
        text,
        xy=(x, y),
        xycoords="data",
        xytext=(1.0, y),
        textcoords=("axes fraction", "data"),
        color=colours.of_text(colour),
        fontsize=SIZE,
        va="center",
        ha="left",
        annotation_clip=False,
        clip_on=False,
        arrowprops={**lead, "relpos": (0.0, 0.5)},
    )
    axes.add_artist(label)


def of(axes: Axes) -> list[EndLabel]:
    """Return the labels of a panel."""
    return [child for child in axes.get_children() if isinstance(child, EndLabel)]


def spread(axes: Axes) -> None:
    """Move the labels of a panel apart, as little as possible; the figure has been drawn before."""
    labels = sorted(of(axes), key=lambda label: label.xy[1])
    if not labels:
        return
    box = axes.get_window_extent()
    gap = GAP * axes.figure.dpi / 72 / box.width
    wanted = [axes.transData.transform((0.0, label.xy[1]))[1] for label in labels]
    # of the text alone: an annotation's own extent includes its line
    heights = [Text.get_window_extent(label).height for label in labels]
    places = spaced(wanted, heights, low=box.y0 - heights[0] / 2, high=box.y1)
    for label, place in zip(labels, places, strict=True):
        label.xyann = (1.0 + gap, axes.transData.inverted().transform((0.0, place))[1])


def spaced(wanted: list[float], heights: list[float], *, low: float, high: float) -> list[float]:
    """Return the centres of labels that do not overlap, as close as possible to where they should
    be: neighbours that collide become a block around their mean.

    Args:
        wanted: centres, increasing.
        heights: of the labels.
        low: the lowest edge of a label, where all fit.
        high: the highest.
    """

    def extent(block: list[int]) -> tuple[float, float]:
        total = sum(heights[index] for index in block)
        middle = sum(wanted[index] for index in block) / len(block)
        bottom = max(min(middle - total / 2, high - total), low)
        return bottom, bottom + total

    blocks: list[list[int]] = []
    for index in range(len(wanted)):
        blocks.append([index])
        while len(blocks) > 1 and extent(blocks[-2])[1] > extent(blocks[-1])[0]:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    centres = [0.0] * len(wanted)
    for block in blocks:
        bottom = extent(block)[0]
        for index in block:
            centres[index] = bottom + heights[index] / 2
            bottom += heights[index]
    return centres


def head(axes: Axes, text: str) -> None:
    """Write what the labels of a panel are above them."""
    axes.annotate(
        text,
        xy=(1.0, 1.0),
        xycoords="axes fraction",
        xytext=(GAP, 3),
        textcoords="offset points",
        fontsize=SIZE,
        color=HEAD,
        va="bottom",
        annotation_clip=False,
    )

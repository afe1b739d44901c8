"""A map of test images for each encoder: their features in the plane of most variance.

The plane is that of the first two principal components of features scaled to length 1, as the
cosine sees them. It has no settings and no draws. What is apart on it is apart; what overlaps may
be apart in other directions, so the share of the variance that the plane has is written above it.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from fourlenses.core.errors import printable
from fourlenses.data.manifest.manifest import Hierarchy
from fourlenses.plotting import colours, style

MOST_GROUPS = 10  # that colours and markers tell apart
COLOURS, MARKERS = (*colours.DATASETS, "#5A5A5A"), (*colours.MARKERS, "<")
PANEL, LEAST_WIDTH, ABOVE, DPI = 1.75, 3.3, 0.5, 150  # inches; dots per inch
# Inches of the legend: of a row, of an entry without its name, and of a letter.
ROW, KEY, LETTER = 0.15, 0.32, 0.055
MOST_LETTERS, MOST_COLUMNS = 24, 5


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Features of some images in two dimensions.

    Attributes:
        points: float64 (N, 2), centred.
        share: of the variance that the plane has, 0 to 1.
    """

    points: np.ndarray
    share: float


def plane_of(features: np.ndarray) -> Plane:
    """Return features in the plane of their first two principal components.

    The coordinate that is furthest from 0 is positive in either direction, so that the same
    features give the same plane. Features of fewer than two directions leave the others at 0.

    Args:
        features: float (N, D); scaled to length 1 first.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    centred = unit.astype(np.float64) - unit.mean(axis=0, dtype=np.float64)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(features), 2))
    known = min(2, len(lengths))
    points[:, :known] = left[:, :known] * lengths[:known]
    furthest = points[np.abs(points).argmax(axis=0), [0, 1]]
    total = float(np.square(lengths).sum())
    return Plane(
        points=points * np.where(furthest < 0, -1.0, 1.0),
        share=float(np.square(lengths[:2]).sum()) / total if total else 0.0,
    )


def groups_of(hierarchy: Hierarchy, labels: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the names of what is coloured, and the group of each image: int64 (N,), -1 for none.

    The finest level with at most `MOST_GROUPS` labels; where there is none, the most frequent
    classes of the finest.

    Args:
        hierarchy: of the dataset.
        labels: of the images at the finest level, int64 (N,).
    """
    for level in reversed(range(len(hierarchy.names))):
        if 2 <= len(hierarchy.classes[level]) <= MOST_GROUPS:
            return list(hierarchy.classes[level]), hierarchy.table[labels, level]
    counts = np.bincount(labels, minlength=hierarchy.num_classes)
    chosen = np.sort(np.argsort(-counts, kind="stable")[:MOST_GROUPS])
    group = np.full(hierarchy.num_classes, -1)
    group[chosen] = np.arange(len(chosen))
    return [hierarchy.classes[-1][each] for each in chosen], group[labels]


def draw_map(
    title: str, planes: Sequence[tuple[str, Plane]], *, groups: Sequence[str], group: np.ndarray
) -> Image.Image:
    """Return a picture with a panel for each encoder and one legend.

    Args:
        title: above all.
        planes: name and plane of each encoder, of the same images.
        groups: names of what is coloured.
        group: of each image, -1 for none.
    """
    with style.context():
        called = [_short(printable(name)) for name in groups]
        width = max(PANEL * len(planes), LEAST_WIDTH)
        entry = KEY + LETTER * max(map(len, called))
        columns = min(max(int(width / entry), 1), MOST_COLUMNS)
        height = PANEL + ABOVE + ROW * math.ceil(len(groups) / columns)
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        panels = figure.subplots(1, len(planes), squeeze=False)[0]
        for axes, (name, plane) in zip(panels, planes, strict=True):
            others = plane.points[group < 0]
            axes.scatter(*others.T, s=3, c=style.PALE, alpha=0.35, linewidths=0)
            handles = [
                axes.scatter(
                    *plane.points[group == place].T,
                    s=9,
                    c=COLOURS[place],
                    marker=MARKERS[place],
                    alpha=0.75,
                    linewidths=0,
                )
                for place in range(len(groups))
            ]
            axes.set_aspect("equal", adjustable="datalim")
            axes.set(xticks=[], yticks=[])
            share = f"{100 * plane.share:.0f} % of the variance"
            axes.set_title(f"{printable(name)}\n{share}", fontsize=7)
        figure.suptitle(title, fontsize=8, x=0.01, ha="left", fontweight="bold")
        # given, as labels that begin with _ would be left out otherwise
        figure.legend(handles, called, loc="outside lower left", ncols=columns, handletextpad=0.2)
        content = io.BytesIO()
        FigureCanvasAgg(figure).print_png(content)
    return Image.open(content).convert("RGB")


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"

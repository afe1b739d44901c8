"""Draw which of some boxes lead to which, as SVG: each box on the floor above all that it leads to.

Of the pictures of house.py and rules.py. An arrow that follows from others (a to b, b to c: a to c)
is left out.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise

BOX, GAP, STOREY, MARGIN, LANE = (164, 38), 22, 78, 16, 14


def without_implied(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows without those that follow from others; there must be no circle."""
    reached: dict[str, set[str]] = {}

    def below(name: str) -> set[str]:
        if name not in reached:
            reached[name] = set(arrows[name]).union(*map(below, arrows[name]))
        return reached[name]

    return {
        name: targets - set().union(*(below(target) for target in targets))
        for name, targets in arrows.items()
    }


def heights(arrows: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how far each box stands above what it leads to: the longest way down."""
    height: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in height:
            height[name] = max((of(target) + 1 for target in arrows[name]), default=0)
        return height[name]

    return {name: of(name) for name in arrows}


def routes(arrows: dict[str, set[str]], floor: dict[str, int]) -> list[list[str]]:
    """Return the way of every arrow: a box, a lane through each floor between, a box."""
    return [
        [
            name,
            *(f"{name}>{target}:{at}" for at in range(floor[name] - 1, floor[target], -1)),
            target,
        ]
        for name, targets in arrows.items()
        for target in sorted(targets)
    ]


def positions(ways: list[list[str]], floor: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Return the centre of every box and lane, each near what it is connected with."""
    floors: list[list[str]] = [[] for _ in range(max(floor.values()) + 1)]
    for name, height in floor.items():
        floors[height].append(name)
    near: dict[str, set[str]] = defaultdict(set)
    for way in ways:
        for height, name in zip(range(floor[way[0]], -1, -1), way, strict=False):
            if name not in floor:
                floors[height].append(name)
        for upper, lower in pairwise(way):
            near[upper].add(lower)
            near[lower].add(upper)
    across: dict[str, float] = {}
    for storey in floors:
        spread(storey, across)
    for _ in range(24):
        for storey in [*floors, *reversed(floors)]:
            storey.sort(
                key=lambda name: mean([across[other] for other in near[name]], across[name])
            )
            spread(storey, across)
    top = MARGIN + BOX[1] / 2 + (len(floors) - 1) * STOREY
    return {
        name: (across[name], top - height * STOREY)
        for height, storey in enumerate(floors)
        for name in storey
    }


def spread(storey: list[str], across: dict[str, float]) -> None:
    """Set what stands on a floor apart from the left to the right, around the middle 0."""
    widths = [LANE if ">" in name else BOX[0] for name in storey]
    left = -(sum(widths) + GAP * (len(widths) - 1)) / 2
    for name, width in zip(storey, widths, strict=True):
        across[name] = left + width / 2
        left += width + GAP


def mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def draw(arrows: dict[str, set[str]], text: Callable[[str, float, float], str]) -> str:
    """Return the picture.

    Args:
        arrows: what each box leads to; boxes of a floor start in this order.
        text: the text of a box, as SVG, from its name and centre.
    """
    floor = heights(arrows)
    ways = routes(without_implied(arrows), floor)
    centres = positions(ways, floor)
    left = min(x for x, _ in centres.values()) - BOX[0] / 2 - MARGIN
    centres = {name: (x - left, y) for name, (x, y) in centres.items()}
    width = max(x for x, _ in centres.values()) + BOX[0] / 2 + MARGIN
    height = max(y for _, y in centres.values()) + BOX[1] / 2 + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="13">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8a94a6"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    lines += [arrow([centres[name] for name in way]) for way in ways]
    lines += [box(*centres[name]) + text(name, *centres[name]) for name in arrows]
    return "\n".join([*lines, "</svg>"]) + "\n"


def arrow(points: list[tuple[float, float]]) -> str:
    """Return a curve from the lower edge of the first box to the upper edge of the last."""
    (x, y), *lanes, (end_x, end_y) = points
    path, y = f"M{x:.0f} {y + BOX[1] / 2:.0f}", y + BOX[1] / 2
    for lane_x, lane_y in [*lanes, (end_x, end_y)]:
        upper = lane_y - BOX[1] / 2 - (2 if (lane_x, lane_y) == (end_x, end_y) else 0)
        middle = (y + upper) / 2
        path += f"C{x:.0f} {middle:.0f} {lane_x:.0f} {middle:.0f} {lane_x:.0f} {upper:.0f}"
        x, y = lane_x, lane_y + BOX[1] / 2
        if (lane_x, lane_y) != (end_x, end_y):
            path += f"V{y:.0f}"
    return (
        f'<path d="{path}" fill="none" stroke="#8a94a6" stroke-width="1.2" marker-end="url(#tip)"/>'
    )


def box(x: float, y: float) -> str:
    left, top = x - BOX[0] / 2, y - BOX[1] / 2
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="5" '
        'fill="#eef3fb" stroke="#4a6fa5"/>'
    )

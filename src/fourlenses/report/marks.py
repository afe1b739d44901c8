"""Small drawings next to a number, as coordinates of an inline SVG."""

import math

SPARK = (120, 24)  # width and height of a spark-line
FOREST = (220, 26)  # of an estimate with its interval
MARGIN = 3


def spark_line(values: list[float]) -> str | None:
    """Return the points of a polyline through the values, equally far apart, the lowest at the
    bottom; None for fewer than two finite ones."""
    if sum(map(math.isfinite, values)) < 2:
        return None
    low, high = (edge(value for value in values if math.isfinite(value)) for edge in (min, max))
    width, height = SPARK
    points = []
    for place, value in enumerate(values):
        if math.isfinite(value):
            share = (value - low) / (high - low) if high > low else 0.5
            x = MARGIN + (width - 2 * MARGIN) * place / (len(values) - 1)
            y = height - MARGIN - (height - 2 * MARGIN) * share
            points.append(f"{x:.1f},{y:.1f}")
    return " ".join(points)


def forest(
    estimate: float, *, low: float, high: float, threshold: float | None
) -> dict[str, float] | None:
    """Return where the estimate, the ends of its interval, zero and the threshold are on an axis
    that holds them all; None where they are all alike or one is not finite."""
    marked = [estimate, low, high, 0.0, *([] if threshold is None else [threshold])]
    least, most = min(marked), max(marked)
    if not math.isfinite(most - least) or most == least:
        return None
    scale = (FOREST[0] - 8 * MARGIN) / (most - least)
    places = {"estimate": estimate, "low": low, "high": high, "zero": 0.0, "threshold": threshold}
    return {
        name: round(4 * MARGIN + scale * (value - least), 1)
        for name, value in places.items()
        if value is not None
    }

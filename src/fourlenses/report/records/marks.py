"""Small drawings next to a number, as coordinates of an inline SVG."""

import math

SPARK = (120, 24)  # width and height of a spark-line
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

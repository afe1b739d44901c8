"""Where labels stand that must not overlap: numbers alone, for figures and for the report."""

from collections.abc import Sequence


def spaced(
    wanted: Sequence[float], heights: Sequence[float], *, low: float, high: float
) -> list[float]:
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

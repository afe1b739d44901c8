"""Colours: one per dataset, and shades for numbers of images.

All have a contrast of 3:1 or more against white, which WCAG 2.1 asks of graphics
(https://www.w3.org/TR/WCAG21/#non-text-contrast). Readers with a colour-vision deficiency can tell
the first six apart; a dataset has a marker too. Those of methods are in `study.vocabulary`.
"""

import math
from collections.abc import Iterable

import matplotlib
from matplotlib.colors import to_hex, to_rgb

from fourlenses.plotting import look
from fourlenses.study import methods

DATASETS = (
    *("#332288", "#D0662B", "#1B8FC6", "#6E0F2E", "#4C9A5B"),
    *("#0B0BD9", "#B05FC0", "#283959", "#8F7A00"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "*")
LEAST_CONTRAST = 3.0  # of lines and areas
LEAST_CONTRAST_OF_TEXT = 4.5
MOST_OF_MAP = {"viridis": 0.59, "plasma": 0.63}  # lighter colours of these are under 3:1


def of_datasets(datasets: Iterable[str]) -> dict[str, str]:
    """Return a colour for each dataset, by its index in sorted order, or the config's.

    So all figures of one table agree. Beyond nine datasets the colours repeat; the name is always
    written next to them.
    """
    chosen = look.current().palette
    return {
        name: chosen.get(name, DATASETS[index % len(DATASETS)])
        for index, name in enumerate(sorted(set(datasets)))
    }


def dataset_markers(datasets: Iterable[str]) -> dict[str, str]:
    """Return a marker for each dataset, by its index in sorted order."""
    return {name: MARKERS[index % len(MARKERS)] for index, name in enumerate(sorted(set(datasets)))}


def of_quantities(quantities: Iterable[int], colour_map: str = "viridis") -> dict[int, str]:
    """Return a colour for each number of images: dark for few to light for many.

    Even in the logarithm.
    """
    quantities = sorted(set(quantities))
    if not quantities:
        return {}
    low, high = math.log(max(quantities[0], 1)), math.log(max(quantities[-1], 1))
    span = (high - low) or 1.0
    colours, most = matplotlib.colormaps[colour_map], MOST_OF_MAP[colour_map]
    return {
        number: to_hex(colours(most * (math.log(max(number, 1)) - low) / span))
        for number in quantities
    }


def contrast(colour: object) -> float:
    """Return the contrast of a colour with white, 1 to 21 (WCAG 2.1)."""
    channels = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in to_rgb(colour)  # type: ignore[arg-type] # whatever matplotlib takes
    ]
    luminance = sum(
        weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    )
    return 1.05 / (luminance + 0.05)


def of_text(colour: object) -> str:
    """Return a colour, darkened until text in it can be read on white."""
    red, green, blue = to_rgb(colour)  # type: ignore[arg-type]
    while contrast((red, green, blue)) < LEAST_CONTRAST_OF_TEXT:
        red, green, blue = 0.95 * red, 0.95 * green, 0.95 * blue
    return to_hex((red, green, blue))


def of_method(entry: str) -> str:
    """Return the colour of an entry of `methods`, the config's where it has one."""
    return look.current().palette.get(entry, methods.colour(entry))

"""Colours: contrast on white, and what readers with a colour-vision deficiency see."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from fourlenses.plotting import colours, look
from fourlenses.study import methods
from fourlenses.study.vocabulary import METHODS

# of full protanopia and deuteranopia (Machado et al. 2009,
# https://doi.org/10.1109/TVCG.2009.113, table 1), on linear RGB
DEFICIENCIES = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
NOTICEABLE = 15.0  # distance in CIELAB; 2.3 is just noticeable in large areas


def lab(colour, deficiency):
    """A colour in CIELAB as somebody sees it."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = (np.array(DEFICIENCIES[deficiency]) @ linear).clip(0, 1)
    scaled = TO_XYZ @ seen / TO_XYZ.sum(1)
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_colour_has_the_contrast_that_graphics_need():
    entries = [*METHODS, *(f"{name}_{end}" for name in METHODS for end in ("long", "half", "b"))]
    drawn = [*colours.DATASETS, *map(methods.colour, entries)]
    for colour_map in colours.MOST_OF_MAP:
        drawn += colours.of_quantities((500, 1000, 3000, 10_000, 100_000), colour_map).values()
    too_pale = [colour for colour in drawn if colours.contrast(colour) < colours.LEAST_CONTRAST]
    assert not too_pale
    assert colours.contrast("white") == pytest.approx(1)
    assert colours.contrast("black") == pytest.approx(21)


def test_text_is_darkened_until_it_can_be_read():
    assert colours.of_text("#000000") == "#000000"
    for colour in colours.DATASETS:
        assert colours.contrast(colours.of_text(colour)) >= colours.LEAST_CONTRAST_OF_TEXT


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    "drawn_together",
    [colours.DATASETS[:6], [METHODS[name].colour for name in ("simclr", "supervised", "random")]],
)
def test_colours_drawn_together_differ_for_all_readers(deficiency, drawn_together):
    seen = {colour: lab(colour, deficiency) for colour in drawn_together}
    for one, other in combinations(drawn_together, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > NOTICEABLE, (one, other)


def test_a_dataset_has_a_colour_and_a_marker_whatever_the_order():
    for of in (colours.of_datasets, colours.dataset_markers):
        assert of(["b", "a", "b"]) == of(["a", "b"])
        assert len(set(of("abcdefghi").values())) == 9


def test_the_users_colours_come_first():
    with look.using(look.Look(palette={"a": "#123456", "simclr": "#654321"})):
        assert colours.of_datasets("ab") == {"a": "#123456", "b": colours.DATASETS[1]}
        assert colours.of_method("simclr") == "#654321"
        assert colours.of_method("moco") == METHODS["moco"].colour

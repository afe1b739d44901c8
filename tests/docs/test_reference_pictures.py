"""The pictures of docs/reference show what the code does to an image."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fourlenses.study.corruptions import CORRUPTION_FAMILIES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def program(name: str) -> dict:
    return runpy.run_path(str(REFERENCE / f"{name}.py"))


@pytest.mark.parametrize("name", ["corruptions", "augmentations"])
def test_the_picture_is_that_of_the_code(name):
    names = program(name)
    made = np.asarray(names["picture"]().quantize(128).convert("RGB")).astype(int)
    committed = np.asarray(Image.open(names["PICTURE"]).convert("RGB")).astype(int)
    assert made.shape == committed.shape
    assert np.abs(made - committed).mean() < 1  # a palette or a font may differ in a last bit


def test_every_corruption_is_in_it_and_grows_with_severity():
    cells = program("corruptions")["cells"]()
    assert {family for family, _ in cells} == set(CORRUPTION_FAMILIES)
    for family in set(CORRUPTION_FAMILIES) - {"resize"}:
        clean = cells[family, 0].astype(float)
        change = [np.abs(cells[family, severity] - clean).mean() for severity in range(6)]
        assert change == sorted(change)
    assert cells["resize", 5].shape == (64, 64, 3)


def test_views_of_a_stronger_augmentation_are_further_from_the_image():
    names = program("augmentations")
    reference = Image.fromarray(names["clean"]()).resize((names["CELL"],) * 2)
    change = {
        name: np.abs(names["views"](name) - np.asarray(reference).astype(float)).mean()
        for name in ("crop_flip_small", "simclr_minutes", "simclr")
    }
    assert change["crop_flip_small"] < change["simclr_minutes"] < change["simclr"]

"""The picture of docs/reference/corruptions.md shows what the code does to an image."""

import runpy
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.study.corruptions import CORRUPTION_FAMILIES

SCRIPT = Path(__file__).parents[2] / "docs" / "reference" / "corruptions.py"


def test_the_picture_is_that_of_the_code_and_every_family_is_in_it():
    names = runpy.run_path(str(SCRIPT))
    made = np.asarray(names["picture"]().quantize(128).convert("RGB")).astype(int)
    committed = np.asarray(Image.open(names["PICTURE"]).convert("RGB")).astype(int)
    assert made.shape == committed.shape
    assert np.abs(made - committed).mean() < 1  # a palette or a font may differ in a last bit
    cells = names["cells"]()
    assert {family for family, _ in cells} == set(CORRUPTION_FAMILIES)
    for family in set(CORRUPTION_FAMILIES) - {"resize"}:
        clean = cells[family, 0].astype(float)
        change = [np.abs(cells[family, severity] - clean).mean() for severity in range(6)]
        assert change == sorted(change)
    assert cells["resize", 5].shape == (64, 64, 3)

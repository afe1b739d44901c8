"""Sets that are nearly dark, saturated or flat are pointed out."""

import io

import numpy as np
import pytest
from PIL import Image

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.data.dataset import index_dataset
from tests.helpers.pictures import picture
from tests.helpers.tiffs import tiff
from tests.helpers.trees import tree


def png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def checked(tmp_path, files, **keys):
    definition = {"source": "image_folder", "path": tree(tmp_path / "cells", files).name, **keys}
    return check_dataset(
        "cells",
        definition,
        tmp_path,
        manifest=index_dataset("cells", definition, tmp_path),
        settings=CheckSettings(image_size=32, stored_size=32),
        folder=tmp_path / "check",
        workers=1,
    )


def images(make, count=12):
    return {f"{'ab'[at % 2]}/{at}.tif": make(at) for at in range(count)}


def twelve_bits(seed):
    grey = np.asarray(picture(seed).convert("L"), np.uint16)
    return tiff((grey * 16)[:, :, None])


def found(report):
    words = ("nearly black", "nearly white", "nearly flat")
    return [word for finding in report["findings"] for word in words if word in finding["what"]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (twelve_bits, ["nearly black"]),
        (lambda seed: png(np.asarray(picture(seed)) // 16), ["nearly black"]),
        (lambda seed: png(255 - np.asarray(picture(seed)) // 20), ["nearly white"]),
        (lambda seed: png(100 + np.asarray(picture(seed)) // 64), ["nearly flat"]),
        (lambda seed: png(np.asarray(picture(seed))), []),
    ],
)
def test_what_has_no_contrast_is_pointed_out(tmp_path, make, words):
    assert found(checked(tmp_path, images(make))) == words


def test_a_range_brings_the_contrast_back(tmp_path):
    report = checked(tmp_path, images(twelve_bits), range=[0, 4095])
    assert found(report) == []
    assert report["contrast"] == {"flat": 0, "dark": 0, "saturated": 0}


def test_a_few_dark_images_are_a_matter_of_course(tmp_path):
    files = images(lambda seed: png(np.asarray(picture(seed))))
    files |= {f"a/{at}.png": twelve_bits(at) for at in range(3)}
    assert found(checked(tmp_path, files)) == []

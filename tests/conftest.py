"""Small image sets that the tests make themselves."""

import tarfile
from pathlib import Path

import pytest
import torch

from tests.pictures import jpeg_bytes

torch.set_num_threads(1)


@pytest.fixture
def image_folder(tmp_path) -> Path:
    """train/{ant,bee,cat}/ with 12 JPEGs each, val/ with 4, and a class table with one level of ancestors."""
    root = tmp_path / "animals"
    for split, count in (("train", 12), ("val", 4)):
        for number, name in enumerate(("ant", "bee", "cat")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                (folder / f"{index}.jpg").write_bytes(jpeg_bytes(1000 * number + index + (500 if split == "val" else 0)))
    (root / "classes.csv").write_text(
        "class,kind,path\nant,insect,animal>insect>ant\nbee,insect,animal>insect>bee\ncat,mammal,animal>cat\n"
    )
    return root


@pytest.fixture
def image_archive(image_folder) -> Path:
    """The same as animals.tar.gz, with the folder itself around everything."""
    archive = image_folder.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(image_folder, arcname="animals")
    return archive


@pytest.fixture
def dataset(tmp_path, image_folder) -> Path:
    """A folder with a beton and a subset, for `tests.runs.go`."""
    from tests.runs import make_dataset

    return make_dataset(tmp_path, image_folder)

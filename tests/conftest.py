"""Small image sets that the tests make themselves."""

import os
import signal
import tarfile
from pathlib import Path

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # of numpy's and scikit-learn's threads, which read it once: there is a worker a core

import pytest
import torch
from hypothesis import settings

from tests.helpers.pictures import jpeg_bytes

torch.set_num_threads(1)
# a test is right or wrong, however long a busy machine takes
settings.register_profile("any_time", deadline=None)
settings.load_profile("any_time")


def pytest_collection_modifyitems(items):
    items.sort(
        key=lambda item: item.path.parent.name != "workflow"
    )  # the longest first: no core is to wait for one of them at the end


@pytest.fixture
def signals_of_a_terminal():
    """SIGINT and SIGHUP as a program in a terminal has them.

    Tests that run under nohup, or in the background, would hand on that they are ignored.
    """
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def image_folder(tmp_path) -> Path:
    """train/{ant,bee,cat}/ with 12 JPEGs each, val/ with 4, and a class table with one level."""
    root = tmp_path / "animals"
    for split, count in (("train", 12), ("val", 4)):
        for number, name in enumerate(("ant", "bee", "cat")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                (folder / f"{index}.jpg").write_bytes(
                    jpeg_bytes(1000 * number + index + (500 if split == "val" else 0))
                )
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
    """A folder with a beton and a subset, for `tests.helpers.runs.go`."""
    from tests.helpers.runs import make_dataset

    return make_dataset(tmp_path, image_folder)

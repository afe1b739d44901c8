"""What a protocol that trains accepts as its labels, and how it refuses the rest."""

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.manifest.manifest import read_manifest, rows_of
from fourlenses.evaluation.finetuning.task import read_task
from tests.helpers.trained import TRAIN, make_target, task


@pytest.fixture
def target(tmp_path):
    return make_target(tmp_path)


def test_rows_are_ascending_and_the_test_images_are_all_there_are(target):
    rows = np.load(target.subset)
    np.save(target.subset, rows[::-1])
    read = read_task(target)
    assert np.array_equal(read.train_rows, np.sort(rows))
    assert np.array_equal(read.test_rows, rows_of(read_manifest(target.manifest), "test"))
    assert read.notes == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows, test: rows[:TRAIN],
            "all 24 labels are of class 'blue', a classifier needs at least 2 classes",
        ),
        (
            lambda rows, test: np.append(rows, test[:2]),
            r"row \d+ \(2 such\) is no training image of .*manifest.parquet",
        ),
        (lambda rows, test: np.append(rows, 9999), r"row 9999 \(1 such\) is no training image"),
        (lambda rows, test: np.append(rows, -1), r"row -1 \(1 such\) is no training image"),
        (lambda rows, test: np.append(rows, rows[3]), "stands there more than once"),
        (
            lambda rows, test: rows[:0],
            r"must hold at least one row of the manifest, as integers \(n,\), not int64 \(0,\)",
        ),
        (lambda rows, test: rows.astype(float), r"as integers \(n,\), not float64"),
        (lambda rows, test: rows[None], r"as integers \(n,\), not int64 \(1, 72\)"),
    ],
)
def test_bad_subsets_are_named(tmp_path, target, change, message):
    rows = np.load(target.subset)
    np.save(tmp_path / "bad.npy", change(rows, rows_of(read_manifest(target.manifest), "test")))
    with pytest.raises(UserError, match=message):
        read_task(task(tmp_path, "bad"))


def test_files_that_are_missing_or_no_arrays_are_named(tmp_path, target):
    with pytest.raises(UserError, match=r"none.npy is missing"):
        read_task(task(tmp_path, "none"))
    (tmp_path / "text.npy").write_text("1 2 3")
    with pytest.raises(UserError, match=r"text.npy is no readable .npy file"):
        read_task(task(tmp_path, "text"))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(UserError, match=r"objects.npy is no readable .npy file"):
        read_task(task(tmp_path, "objects"))

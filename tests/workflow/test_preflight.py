"""Data that is looked at before any job: where it is, and whether there is enough of it."""

import pyarrow
import pytest
from pyarrow import parquet

from fourlenses.core.errors import UserError
from fourlenses.study.layout import manifest
from fourlenses.workflow.preflight import check_paths, check_sizes


def test_a_path_that_is_not_there(tmp_path):
    datasets = {"mine": {"path": "birds"}, "drawn": {"source": "synthetic"}}
    with pytest.raises(UserError) as error:
        check_paths(["drawn", "mine"], datasets, tmp_path)
    assert str(error.value) == (
        f"config key 'datasets.mine.path' is 'birds', but there is no {tmp_path / 'birds'}; "
        f"correct it or raw_data ({tmp_path})"
    )
    check_paths(["drawn"], datasets, tmp_path)
    (tmp_path / "birds").mkdir()
    check_paths(["drawn", "mine"], datasets, tmp_path)
    datasets["mine"]["path"] = str(tmp_path / "fish")
    with pytest.raises(UserError, match=r"there is no .*fish"):
        check_paths(["mine"], datasets, tmp_path)


def test_more_images_than_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_sizes([("mine", "20000")])  # not indexed yet: nothing is known
    file = tmp_path / manifest("mine")
    file.parent.mkdir(parents=True)
    splits = ["train"] * 13 + ["test"] * 20
    parquet.write_table(pyarrow.table({"split": splits}), file)
    check_sizes([("mine", "13"), ("mine", "all"), ("mine", "5_per_class")])
    with pytest.raises(UserError) as error:
        check_sizes([("mine", "13"), ("mine", "14")])
    assert str(error.value) == (
        "the study takes 14 images of mine, which has 13 training images; lower pretrain_images or "
        "labelled_images, or say all"
    )

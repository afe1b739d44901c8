"""Data that is looked at before any job: where it is."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.workflow.preflight import check_paths


def test_a_path_that_is_not_there(tmp_path, monkeypatch):
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
    monkeypatch.setenv("POND", str(tmp_path / "birds"))
    datasets["mine"]["path"] = "$POND"
    check_paths(["mine"], datasets, tmp_path)

"""Paths of a config with ``~`` and environment variables in them."""

from pathlib import Path

import pytest

from fourlenses.config.read import read_config
from fourlenses.core.errors import UserError
from fourlenses.core.paths import expanded
from fourlenses.data.dataset import index_dataset
from fourlenses.workflow.environment import job_environment
from tests.helpers.trees import tree

FILES = {"cat": 9, "dog": 9}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.delenv("NOWHERE", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("~/data", "home/data"),
        ("~", "home"),
        ("$SCRATCH/data", "scratch/data"),
        ("${SCRATCH}/data", "scratch/data"),
        ("$HOME/${SCRATCH}x", None),
        ("data/a~b", "data/a~b"),
        ("data", "data"),
    ],
)
def test_home_and_variables_are_filled_in(home, text, path):
    expected = f"{home}/home/{home}/scratchx" if path is None else path
    if path and path.startswith(("home", "scratch")):
        expected = f"{home}/{path}"
    assert expanded(text, "raw_data") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$NOWHERE/x", r"'raw_data': '\$NOWHERE/x' names the environment variable NOWHERE, which"),
        ("${NOWHERE}", r"the environment variable NOWHERE, which is not set here"),
        ("~nobody_of_that_name/x", r"the home of a user that this machine does not know"),
    ],
)
def test_what_cannot_be_filled_in_is_an_error(home, text, message):
    with pytest.raises(UserError, match=message):
        expanded(text, "raw_data")


@pytest.mark.parametrize(
    ("raw_data", "path"),
    [
        ("~/data", "birds"),
        ("$SCRATCH", "birds"),
        ("raw", "~/data/birds"),
        ("raw", "${SCRATCH}/birds"),
    ],
)
def test_a_dataset_in_the_home_or_on_scratch(home, raw_data, path):
    tree(home / ("home/data" if "~" in raw_data + path else "scratch") / "birds", FILES)
    raw = Path(expanded(raw_data, "raw_data"))
    manifest = index_dataset("birds", {"source": "image_folder", "path": path}, raw)
    assert len(manifest) == 18
    assert not Path("~").exists()


def test_every_job_gets_the_folder_filled_in(home):
    config = {**read_config([]), "raw_data": "~/data"}
    variables = job_environment(config, Path(), in_slurm_job=False, may_requeue=False)
    assert variables["FOURLENSES_RAW_DATA"] == f"{home}/home/data"

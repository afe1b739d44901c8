"""The example of a dataset with a rule: it keeps the contract, and costs other studies nothing."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd

from tests.datasets.contract import ROOT, check_contract, study_config

NAME = "example_shapes"


def draw(folder: Path, images_per_class: int = 12) -> tuple[Path, Path]:
    """Archive and rows, as the rule makes them but for their number."""
    program = ROOT / "workflow_scripts" / "datasets" / f"{NAME}.py"
    archive, rows = folder / "images.zip", folder / "rows.parquet"
    command = [sys.executable, program, "--archive", archive, "--rows", rows]
    command += ["--images-per-class", images_per_class]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return archive, rows


def test_the_contract_of_example_shapes(tmp_path):
    archive, rows = draw(tmp_path)
    config = study_config(NAME) | {"raw_data": str(tmp_path)}
    config["datasets"][NAME]["path"] = archive.name
    check_contract(NAME, config, tmp_path, rows=rows)


def test_images_are_the_same_each_time_and_stay_when_others_are_added(tmp_path):
    archives = []
    for run, count in (("first", 4), ("again", 4), ("more", 6)):
        (tmp_path / run).mkdir()
        archives.append(draw(tmp_path / run, count)[0])
    first, again, more = archives
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as few, zipfile.ZipFile(more) as many:
        assert all(few.read(name) == many.read(name) for name in few.namelist())
        assert len(many.namelist()) == 36


def test_labels_have_two_levels(tmp_path):
    table = pd.read_parquet(draw(tmp_path)[1])
    assert table.groupby("level:kind")["level:shape"].nunique().to_dict() == {
        "angular": 4,
        "round": 2,
    }


def rules(folder: Path, *options: str) -> set[str]:
    command = [Path(sys.executable).with_name("snakemake"), "--list-rules", *options]
    command += ["--snakefile", ROOT / "Snakefile", "--directory", folder]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_rule_is_read_by_its_own_study_alone(tmp_path):
    study = str(ROOT / "studies" / f"{NAME}.yaml")
    added = rules(tmp_path, "--configfile", study) - rules(tmp_path)
    assert added == {f"draw_{NAME}"}

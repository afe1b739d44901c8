"""Adding a dataset as a user does.

Generated files work as they are; a bad dataset ends in a sentence, with its reports kept.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.helpers.pictures import jpeg_bytes

from fourlenses.config.new_dataset.write import write_dataset
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json

ROOT = Path(__file__).parents[2]
NEEDED = (
    "Snakefile",
    "config.yaml",
    "rules",
    "schemas",
    "envs",
    "presets",
    "profiles",
    "studies",
    "src",
    "workflow_scripts",
    "tests",
    "pyproject.toml",
)


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of the project, in a folder with a space in its name."""
    root = tmp_path / "a copy"
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        root.mkdir(exist_ok=True)
        copy(
            ROOT / name,
            root / name,
            **({"ignore": shutil.ignore_patterns("__pycache__")} if (ROOT / name).is_dir() else {}),
        )
    return root


def call(root: Path, *command) -> subprocess.CompletedProcess:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "VIRTUAL_ENV"))
    }
    environment["PYTHONPATH"] = str(root / "src")
    return subprocess.run(
        [str(part) for part in command],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )


def snakemake(root: Path, *arguments) -> subprocess.CompletedProcess:
    return call(root, Path(sys.executable).with_name("snakemake"), *arguments, "--cores", 2)


def new_dataset(root: Path, *arguments) -> subprocess.CompletedProcess:
    return call(root, sys.executable, "workflow_scripts/new_dataset.py", *arguments)


def put_images(folder: Path, damaged: int = 0) -> None:
    for number, name in enumerate(("ant", "bee", "cat")):
        (folder / name).mkdir(parents=True)
        for index in range(15):
            (folder / name / f"{index}.jpg").write_bytes(jpeg_bytes(1000 * number + index, 80, 70))
    for index in range(damaged):
        (folder / "ant" / f"{index}.jpg").write_bytes(b"no image")


def test_the_interpreter_may_stand_in_a_folder_with_a_space(tree):
    """As the .venv of a clone in `my lab` does: no job may be started through an unquoted path."""
    (tree / ".venv").symlink_to(Path(sys.executable).parents[1])
    made = call(
        tree,
        tree / ".venv/bin/python",
        "-m",
        "snakemake",
        "results/default/study.json",
        "--cores",
        1,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert read_json(tree / "results/default/study.json")["study"] == "default"


@pytest.mark.parametrize("source", ["manifest", "image_folder"])
def test_what_is_generated_works_as_it_is(tree, source):
    made = new_dataset(tree, "--name", "mine", "--source", source)
    assert made.returncode == 0, made.stderr
    files = [
        line.removeprefix("wrote ")
        for line in made.stdout.splitlines()
        if line.startswith("wrote ")
    ]
    assert len(files) == (4 if source == "manifest" else 2)
    texts = "".join((tree / file).read_text() for file in files)
    assert re.findall("__[A-Z_]+__", texts) == [], "a mark of a template was left"

    # before the images are there
    waiting = call(tree, sys.executable, "-m", "pytest", "-rs", "tests/datasets/test_mine.py")
    assert "1 skipped" in waiting.stdout, waiting.stdout
    assert f"the images of mine are not here: {tree / 'raw/mine'}" in waiting.stdout

    put_images(tree / "raw" / "mine")
    plan = snakemake(tree, "betons", "-n", "--configfile", "studies/mine.yaml")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert ("rows_of_mine" in plan.stdout + plan.stderr) == (source == "manifest")
    checked = snakemake(
        tree, "check_dataset", "--configfile", "studies/mine.yaml", "--config", "dataset=mine"
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "verdict: look at these" in checked.stdout  # so few test images
    assert read_json(tree / "data/mine/check/report.json")["images"] == 45
    tested = call(tree, sys.executable, "-m", "pytest", "tests/datasets/test_mine.py")
    assert tested.returncode == 0, tested.stdout

    again = new_dataset(tree, "--name", "mine")
    assert again.returncode == 2
    assert "studies/mine.yaml has a dataset 'mine' already; choose another name" in again.stderr


def test_the_first_study_of_images_that_are_there_runs_dry(tree):
    """Three sizes, three seeds, fine-tuning: every job of it is known."""
    put_images(tree / "birds")
    made = new_dataset(tree, "--name", "mine", "--source", "image_folder", "--data", "birds")
    assert made.returncode == 0, made.stderr
    plan = snakemake(tree, "all", "-n", "--quiet", "rules", "--configfile", "studies/mine.yaml")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    counts = dict(re.findall(r"^(\w+) +(\d+)$", plan.stdout + plan.stderr, re.MULTILINE))
    # SimCLR of three sizes and the largest at half the steps, and the random one, three seeds each
    assert counts["pretrain"] == "15"
    # fine-tuned from the largest, and from scratch, at three label sizes
    assert counts["train_evaluate"] == "18"


def test_a_dataset_that_is_not_usable_fails_with_its_reports_kept(tree):
    assert new_dataset(tree, "--name", "mine", "--source", "image_folder").returncode == 0
    put_images(tree / "raw" / "mine", damaged=3)
    result = snakemake(tree, "check_dataset", "--configfile", "studies/mine.yaml")
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "verdict: not usable" in result.stdout
    assert (
        "dataset 'mine' is not usable: 3 of 45 images (6.7 %) cannot be decoded, "
        "more than 'max_undecodable' (0.01) allows" in output
    )
    assert "Traceback" not in output
    for file in (
        "report.md",
        "report.json",
        "contact_sheet.png",
        "duplicates.csv",
        "undecodable.csv",
    ):
        assert (tree / "data/mine/check" / file).stat().st_size > 0
    # put right, indexed again, checked again
    put_right = [tree / "raw/mine/ant" / f"{index}.jpg" for index in range(3)]
    for file in put_right:
        file.unlink()
    result = snakemake(
        tree, "check_dataset", "--configfile", "studies/mine.yaml", "--forcerun", "index_dataset"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "  undecodable 0" in result.stdout


def test_rows_that_break_the_contract_end_in_a_sentence(tree):
    assert new_dataset(tree, "--name", "mine").returncode == 0
    put_images(tree / "raw" / "mine")
    program = tree / "workflow_scripts/datasets/mine.py"
    program.write_text(program.read_text().replace('"test" if draw < 0.2', '"dev" if draw < 0.2'))
    result = snakemake(tree, "check_dataset", "--configfile", "studies/mine.yaml")
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "fourlenses: data/mine/rows.parquet: column 'split', row" in output
    assert "is 'dev'" in output
    assert "allowed: train or test" in output


def test_a_dataset_of_another_study_is_pointed_to(tree):
    assert new_dataset(tree, "--name", "mine").returncode == 0
    result = snakemake(tree, "check_dataset", "--config", "dataset=mine")
    assert result.returncode != 0
    assert "config key 'datasets' has no 'mine'" in result.stdout + result.stderr
    assert "add --configfile studies/mine.yaml" in result.stdout + result.stderr


@pytest.mark.parametrize("name", ["Mine", "1mine", "a b", "a-b", "", "../x", "a/b", "mine\n"])
def test_a_name_that_cannot_be_one(tmp_path, name):
    (tmp_path / "config.yaml").write_text("{}")
    with pytest.raises(UserError, match="cannot be the name of a dataset"):
        write_dataset(tmp_path, name, source="manifest")


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path):
    (tmp_path / "config.yaml").write_text("{}")
    there = tmp_path / "workflow_scripts/datasets/mine.py"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    with pytest.raises(UserError, match=r"workflow_scripts/datasets/mine.py would be overwritten"):
        write_dataset(tmp_path, "mine", source="manifest")
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {
        "config.yaml",
        "mine.py",
    }
    assert there.read_text() == "mine"


@pytest.mark.parametrize(
    "folder", ["plain", "with space", "no", "a: b #c", "1.5", "größe'\"quoted"]
)
def test_paths_survive_yaml(tmp_path, folder):
    (tmp_path / "config.yaml").write_text("{}")
    images = tmp_path / "data here" / folder
    images.mkdir(parents=True)
    for source in ("manifest", "image_folder"):
        write_dataset(tmp_path, f"d_{source}", source=source, images=images)
        study = yaml.safe_load((tmp_path / f"studies/d_{source}.yaml").read_text())
        assert Path(study["raw_data"], study["datasets"][f"d_{source}"]["path"]) == images

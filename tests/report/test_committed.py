"""The files of a study that are committed are enough for its whole report."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fourlenses.report.page import write_report
from fourlenses.study.layout import IMAGES
from tests.helpers.report_pages import Page, add_all, make_study, written

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="a copy without git does not say what is committed"
)


def is_ignored(path: str) -> bool:
    command = ["git", "check-ignore", "-q", "--no-index", path]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def committed(results: Path, clone: Path) -> Path:
    """A copy of those of a study's files that git keeps."""
    kept = clone / "results" / results.name
    for file in sorted(path for path in results.rglob("*") if path.is_file()):
        name = file.relative_to(results)
        if not is_ignored(f"results/{results.name}/{name}"):
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept / name)
    return kept


def test_a_clone_without_data_has_the_same_report(tmp_path):
    study = make_study(tmp_path / "study")
    results = add_all(study)
    (results / "power.md").write_text("# What it can settle\n\nAll of it.\n")
    for ending in ("encoder.safetensors", "head.safetensors"):
        (results / "pretrain" / "simclr" / "a-10000" / "seed0" / ending).touch()
    (results / "evaluate").mkdir()
    (results / "evaluate" / "cells.json").write_text("{}")
    whole = written(study)
    kept = committed(results, tmp_path / "clone")
    names = {file.name for file in kept.rglob("*") if file.is_file()}
    assert {"study.json", IMAGES, "run.json", "history.csv", "power.md", "plan.csv"} <= names
    assert not names & {"encoder.safetensors", "cells.json", "head.safetensors"}

    write_report(kept / "metrics.csv", kept, data=tmp_path / "no_data", output=kept / "report.html")
    again = (kept / "report.html").read_text(encoding="utf-8")
    assert again == whole
    assert "4,800 1,200 4 zoo, 10 a 1 abababababab yes" in Page(again).text
    assert "All of it." in Page(again).text


def test_the_copy_is_of_what_data_said_last_and_no_other_dataset_is_shown(tmp_path):
    study = make_study(tmp_path / "study")
    results = add_all(study)
    written(study)
    kept = json.loads((results / IMAGES).read_text())
    assert [record["images"] for record in kept] == [{"test": 1200, "train": 4800}]
    kept[0]["images"]["train"] = 1
    kept.append({**kept[0], "dataset": "stranger"})
    (results / IMAGES).write_text(json.dumps(kept))
    assert "stranger" not in written(study)
    assert json.loads((results / IMAGES).read_text())[0]["images"]["train"] == 4800

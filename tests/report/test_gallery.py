"""The index of the reports in a folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.report.gallery import write_gallery
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.report_pages import Page, card_of, make_study, written

ROOT = Path(__file__).resolve().parents[2]


def test_each_study_with_a_report_is_shown_with_its_answer(tmp_path):
    study = make_study(tmp_path)
    cards = [card_of("<b>birds</b>")]
    (tmp_path / "results/planted/decision.json").write_text(json.dumps(cards))
    written(study)
    (tmp_path / "results" / "half").mkdir()  # has no report yet
    index = tmp_path / "results" / "index.html"
    program = ROOT / "workflow_scripts" / "write_gallery.py"
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout == "results/index.html: 1 study\n"
    page = Page(index.read_text(encoding="utf-8"))
    assert "planted Pretrain on <b>birds</b>. SimCLR, supervised · ResNet-18" in page.text
    leads = {address for address in page.addresses if not address.startswith("#")}
    assert {address.partition("#")[0] for address in leads} == {
        "planted/report.html",
        "planted/metrics.csv",
    }
    assert all((index.parent / address.partition("#")[0]).is_file() for address in leads)
    assert "script" not in page.tags


def test_trainings_that_had_not_converged_are_counted_over_the_study(tmp_path):
    study = make_study(tmp_path)
    rows = [
        synthetic.row("quantity", "simclr", f"{name}-10", name, 40.0, seed=seed)
        | {"not_converged": "pretraining"}
        for name in "ab"
        for seed in range(3)
    ]
    results = tmp_path / "results" / "planted"
    synthetic.write(results / "metrics.csv", rows)
    said = "The loss still fell at the end of {0} of {0} pretrainings: longer ones may differ."
    cards = [card_of(name, target=name, warnings=[said.format(3)]) for name in "ab"]
    (results / "decision.json").write_text(json.dumps(cards))
    written(study)
    write_gallery(tmp_path / "results", tmp_path / "results" / "index.html")
    text = Page((tmp_path / "results" / "index.html").read_text(encoding="utf-8")).text
    assert said.format(6) in text
    assert said.format(3) not in text


def test_a_folder_without_reports_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"has no study with a report\.html; make one with snake"):
        write_gallery(tmp_path, tmp_path / "index.html")


def test_the_committed_index_has_every_committed_report():
    """After a report was made again: make gallery."""
    listed = subprocess.run(
        ["git", "ls-files", "results/*/report.html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    committed = {Path(name).parent.name for name in listed.stdout.split()}
    page = Page((ROOT / "results" / "index.html").read_text(encoding="utf-8"))
    shown = {address.split("/")[0] for address in page.addresses if "/" in address}
    assert shown == committed

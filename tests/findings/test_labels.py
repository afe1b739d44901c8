"""Labels of the user's own in findings, cards and charts: names change, numbers do not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from fourlenses.study import labels
from tests.helpers import report_pages
from tests.helpers.synthetic_metrics import planted, write

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"
OURS = {"a": "Alpha set", "b": "Beta set", "simclr": "Contrastive", "a/coarse": "Orders"}
FILES = ("findings.json", "findings.md", "decision.json", "decision.md", "decision.html")


def written(folder: Path, chosen: dict[str, str]) -> dict[str, str]:
    folder.mkdir()
    arguments = ["--metrics", write(folder / "metrics.csv", planted())]
    arguments += ["--findings", folder / "findings.json", "--decision", folder / "decision.json"]
    arguments += ["--labels", json.dumps(chosen)]
    command = [sys.executable, SCRIPTS / "write_findings.py", *arguments]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return {name: (folder / name).read_text() for name in FILES}


def test_every_form_has_the_label_and_the_numbers_stay(tmp_path):
    plain, labelled = written(tmp_path / "plain", {}), written(tmp_path / "labelled", OURS)
    for name, text in labelled.items():
        assert "Alpha set" in text, name
        back = text.replace("Alpha set", "a").replace("Beta set", "b")
        back = back.replace("Contrastive", "SimCLR").replace("Orders", "coarse")
        assert back == plain[name], name
    assert "from Orders to fine" in labelled["findings.md"]
    assert "| Alpha set |" in labelled["findings.md"]
    cards, findings = (json.loads(labelled[name]) for name in ("decision.json", "findings.json"))
    assert [(card["target"], card["title"]) for card in cards] == [
        ("a", "Alpha set"),
        ("b", "Beta set"),
    ]
    assert {line["method"] for card in cards for line in card["lines"]} <= {"simclr", "supervised"}
    named = {entry["target"] for one in findings for entry in one["evidence"]}
    assert named == {"a", "b"}


def test_half_widths_of_a_plan_are_found_by_names(tmp_path):
    """A plan's words have no labels, so that one given later does not lose them."""
    evidence = Evidence.of(read_metrics(write(tmp_path / "metrics.csv", planted())))
    found = conclusions.evaluate(evidence, Thresholds())
    entry = next(one for one in found if one.finding == "domain").evidence[0]
    (tmp_path / "labelled").mkdir()
    (tmp_path / "labelled" / "power.csv").write_text(
        "question,target,comparison,unit,half_width\n"
        f'domain,{entry.target},"{entry.what}",points,7.25\n'
    )
    folder = tmp_path / "labelled"
    arguments = ["--metrics", write(folder / "metrics.csv", planted())]
    arguments += ["--findings", folder / "findings.json", "--decision", folder / "decision.json"]
    command = [sys.executable, SCRIPTS / "write_findings.py", *arguments]
    command += ["--labels", json.dumps(OURS)]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    record = json.loads((folder / "findings.json").read_text())
    first = next(one for one in record if one["finding"] == "domain")["evidence"][0]
    assert (first["planned_half_width"], first["what"] != entry.what) == (7.25, True)


def test_scratch_is_known_as_such_whatever_it_is_called(tmp_path):
    evidence = Evidence.of(read_metrics(write(tmp_path / "metrics.csv", planted())))
    with labels.using({"scratch": "our old network"}):
        card = conclusions.cards(evidence, Thresholds())[0]
    ways = {value.way for row in card.table.rows if row.role == "labels" for value in row.values}
    assert ways == {"our old network"}


@pytest.mark.parametrize("chosen", [{}, OURS], ids=["names", "labels"])
def test_charts_and_tables_of_the_report(tmp_path, chosen):
    study = report_pages.make_study(tmp_path / "study")
    with labels.using(chosen):
        text = report_pages.written(study)
    shown = report_pages.Page(text)
    said = " ".join(element.get("aria-label", "") for element in shown.elements)
    for name in ("a", "b"):
        assert f"Top-1 accuracy on {chosen.get(name, name)}." in said + shown.text
    assert ("Contrastive" in shown.text) is bool(chosen)

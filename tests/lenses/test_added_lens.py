"""A lens added by its folder, its record and its section of the config, and by nothing else.

The project is copied and the lens `fewshot` of tests/helpers/added_lens added to the copy, by the
steps of CONTRIBUTING.md. It then is in the plan, the figures, the findings and the report.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers import synthetic_metrics as synthetic

ROOT = Path(__file__).parents[2]
LENS = ROOT / "tests" / "helpers" / "added_lens"
PROJECT = ["Snakefile", "config.yaml", "rules", "schemas", "presets", "workflow_scripts", "envs"]
END_OF_LENSES = "    )\n}\nEVERY_LEVEL_LENSES"
RECORD = '        Lens("fewshot", "How few labels suffice?", (Figure("fewshot"),)),\n'
SECTION = """
fewshot:
  datasets: [scenes]
  methods: [simclr]
  pretrain_images: all
  labelled_images: [50, 200]
  protocols: [linear]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project with the lens added."""
    folder = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder / name)
    package = folder / "src" / "fourlenses"
    shutil.copytree(ROOT / "src" / "fourlenses", package, ignore=ignore)
    # 1. the folder
    shutil.copytree(LENS / "fewshot", package / "lenses" / "fewshot", ignore=ignore)
    # 2. the record
    vocabulary = package / "study" / "vocabulary.py"
    text = vocabulary.read_text(encoding="utf-8")
    assert text.count(END_OF_LENSES) == 1
    vocabulary.write_text(text.replace(END_OF_LENSES, RECORD + END_OF_LENSES), encoding="utf-8")
    # 3. the section, and what it may hold
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(config + SECTION, encoding="utf-8")
    shutil.copy(LENS / "fewshot.yaml", folder / "schemas" / "lenses" / "fewshot.yaml")
    return folder


@pytest.fixture(scope="module")
def run(project):
    """Return a function that runs Python in the copy and returns what it printed."""
    environment = os.environ | {"PYTHONPATH": str(project / "src")}

    def run(*arguments):
        command = [sys.executable, *map(str, arguments)]
        process = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=120
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    return run


@pytest.fixture(scope="module")
def results(project):
    """Return a study's folder with a table that the lens has rows in."""
    rows = [
        synthetic.row("fewshot", "simclr", "a-1000", "a", top1, labelled_images=labels, seed=seed)
        for labels, top1 in ((50, 60.0), (200, 80.0))
        for seed in range(3)
    ]
    folder = project / "results" / "planted"
    (folder / "figures").mkdir(parents=True)
    synthetic.write(folder / "metrics.csv", rows)
    return folder


def test_the_plan_has_its_cells(run):
    code = (
        "import json\n"
        "from fourlenses.config.read import read_config\n"
        "from fourlenses.lenses.plan import figure_names, make_plan\n"
        "config = read_config([])\n"
        "config['lenses'], config['seeds'] = ['fewshot'], [0]\n"
        "plan = make_plan(config)\n"
        "print(json.dumps([plan.as_json(), figure_names(config)]))\n"
    )
    cells, figures = json.loads(run("-c", code))
    assert figures == ["fewshot", "methods", "protocols", "published"]
    assert {tuple(cell["lenses"]) for cell in cells} == {("fewshot",)}
    assert {(cell["run"], cell["target"], cell["labelled"]) for cell in cells} == {
        (encoder, "scenes", labels)
        for encoder in ("simclr/scenes-all/seed0", "random/none/seed0")
        for labels in ("50", "200")
    }


def test_snakemake_draws_its_figure(run):
    arguments = ("figures", "-n", "--config", "lenses=[fewshot]", "--cores", "1")
    assert "fewshot.csv" in run("-m", "snakemake", *arguments)


def test_its_figure_findings_and_section_of_the_report(run, project, results):
    table = ("--metrics", results / "metrics.csv")
    prefix = results / "figures" / "fewshot"
    run("workflow_scripts/draw_figure.py", *table, "--figure", "fewshot", "--output-prefix", prefix)
    assert list(pd.read_csv(f"{prefix}.csv")["top1"]) == [60.0, 80.0]

    files = ("--findings", results / "findings.json", "--decision", results / "decision.json")
    run("workflow_scripts/write_findings.py", *table, *files)
    findings = json.loads((results / "findings.json").read_text(encoding="utf-8"))
    (finding,) = [finding for finding in findings if finding["finding"] == "fewshot"]
    assert (finding["verdict"], finding["estimate"]) == ("contradicted", 20.0)

    run("workflow_scripts/write_report.py", *table, "--output", results / "report.html")
    report = (results / "report.html").read_text(encoding="utf-8")
    for text in ("How few labels suffice?", "how few labels do?", "All labels gain at most"):
        assert text in report

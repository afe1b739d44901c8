"""The pipeline as a module of another workflow: prefix, own config, an added rule, storage."""

import functools
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.workflow.test_whole import ROOT, make_archive, output_of

CONFIG = {
    "study": "tiny",
    "raw_data": "raw",
    "seeds": [0],
    "lenses": ["quantity"],
    "stored_size": 24,
    "image_size": 16,
    "max_undecodable": 0.05,
    "datasets": {"animals": {"source": "image_folder", "path": "animals.tar.gz"}},
    "methods": {"simclr": {"epochs": 1, "batch_size": 32, "warmup_epochs": 0}},
    "evaluation": {"linear": {"l2": [0.1]}},
    "quantity": {
        "datasets": ["animals"],
        "pretrain_images": [16],
        "labelled_images": [12],
        "equal": "epochs",
        "convergence": [],
        "baselines": [],
        "more": [],
    },
}


def page_block():
    """Return the Snakefile that the guide shows."""
    page = (ROOT / "docs" / "guide" / "workflows.md").read_text(encoding="utf-8")
    return page.partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def served(tmp_path):
    """Serve a folder with the archive of images; yield its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    make_archive(folder)
    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(folder, *arguments):
    program = Path(sys.executable).with_name("snakemake")
    command = [program, "--cores", "2", *arguments]
    return subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=600
    )


def make_workflow(folder, address="http://127.0.0.1:9", **changes):
    """Write the guide's workflow, for a study small enough for a test."""
    (folder / "workflow").mkdir(parents=True)
    (folder / "config").mkdir()
    text = page_block().replace("/path/to/fourlenses", str(ROOT))
    text = text.replace("https://images.example.org", address)
    text = re.sub(r" +report=.*\n", "", text)  # figures and page take minutes
    (folder / "workflow" / "Snakefile").write_text(text)
    config = {"encoders": CONFIG | changes}
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))


def test_another_workflow_runs_a_study_and_reads_its_table(tmp_path, served):
    folder = tmp_path / "mine"
    make_workflow(folder, served)
    result = run(folder)
    assert result.returncode == 0, output_of(result)[-4000:]
    table = pd.read_csv(folder / "study/results/tiny/metrics.csv")
    best = table.sort_values("top1", ascending=False, kind="stable").iloc[0]
    assert (folder / "best.txt").read_text() == f"{best['run']} {best['top1']:.4f}\n"
    # all of the module's files are under the prefix, and the images where the rule put them
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        *("best.txt", "config", "raw", "study", "workflow")
    }
    assert {path.name for path in (folder / "study").iterdir()} == {"data", "results"}
    assert (folder / "raw" / "animals.tar.gz").exists()
    again = run(folder, "--dry-run")
    assert "Nothing to be done" in output_of(again), output_of(again)[-3000:]


def test_a_mistake_in_the_modules_config_is_a_sentence(tmp_path):
    make_workflow(tmp_path, image_sise=16)
    result = run(tmp_path, "--dry-run")
    assert result.returncode != 0
    assert "'image_sise'" in output_of(result)
    assert "did you mean 'image_size'" in output_of(result)


def test_the_defaults_are_those_of_the_project(tmp_path):
    make_workflow(tmp_path)
    result = run(tmp_path, "--dry-run", "encoders_plan")
    assert result.returncode == 0, output_of(result)[-3000:]
    # the prefix is before what is no output too
    assert "Planning study/results/tiny/plan.md" in output_of(result)


def test_without_a_clone_next_to_it_the_module_says_so(tmp_path):
    copy = tmp_path / "alone"
    (copy / "rules").mkdir(parents=True)
    for file in ("Snakefile", "rules/module.smk"):
        (copy / file).write_bytes((ROOT / file).read_bytes())
    result = run(copy, "--dry-run")
    assert result.returncode != 0
    assert "name the Snakefile of a clone as the module's `snakefile`" in output_of(result)

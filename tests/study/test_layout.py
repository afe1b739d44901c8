"""Paths are spelt in `study.layout` alone."""

import ast
from pathlib import Path

import pytest

from fourlenses.config.read import ROOT
from fourlenses.study import Cell, Run, layout
from fourlenses.study.layout import Layout

HOME = ROOT / "src" / "fourlenses" / "study" / "layout.py"
# file names that other modules would have to spell again
NAMES = {
    *(layout.ENCODER, layout.HEAD, layout.HISTORY, layout.RUN, layout.CELLS, layout.PREDICTIONS),
    *("manifest.parquet", "metrics.csv", "study.json"),
}


def spelt_in(file: Path) -> set[str]:
    """The names that a program spells as (the end of) a path; prose and docstrings do not count."""
    spelt = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.rpartition("/")[2]
            if name in NAMES and not any(letter.isspace() for letter in node.value):
                spelt.add(name)
    return spelt


def test_no_other_module_spells_a_path():
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow_scripts").rglob("*.py")]
    spelt = {file: names for file in files if file != HOME and (names := spelt_in(file))}
    assert not spelt, f"take these from study/layout.py: {spelt}"
    assert spelt_in(HOME) >= NAMES


def test_no_rule_spells_a_path():
    for file in (ROOT / "rules").rglob("*.smk"):
        lines = file.read_text(encoding="utf-8").splitlines()
        code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
        spelt = [name for name in NAMES if f"/{name}" in code]
        assert not spelt, f"{file}: take {', '.join(spelt)} from study/layout.py"


def test_paths_take_wildcards():
    paths = Layout("mine", "{size}")
    assert paths.beton("{dataset}") == "data/{dataset}/{size}px/clean.beton"
    run = layout.run_name("{method}", "{source}", "{seed}")
    assert paths.encoder(run) == (
        "results/mine/pretrain/{method}/{source}/seed{seed}/encoder.safetensors"
    )


@pytest.mark.parametrize(
    ("protocol", "record", "predictions", "job"),
    [
        ("linear", "cells.json", "predictions.npz", ""),
        ("fine_tune", "fine_tune/a/10.json", "fine_tune/a/10.npz", "/fine_tune/a/10"),
    ],
)
def test_records_and_what_belongs_to_them(protocol, record, predictions, job):
    run = Run("simclr", "a-100", 1)
    cell = Cell(run=run, target="a", labelled="10", protocol=protocol)
    assert cell.record == f"simclr/a-100/seed1/{record}"
    assert layout.predictions_of(cell.record) == f"simclr/a-100/seed1/{predictions}"
    assert layout.job_of(cell.record) == f"{run.name}{job}"

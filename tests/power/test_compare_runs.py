"""Two runs of one study, number by number."""

import csv
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.power import compare_runs
from tests.helpers import planted_study

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def table():
    draws = planted_study.kinds().draws(np.random.default_rng(0), 3, n_test=2000, seed_sd=2.0)
    return next(islice(draws, 1)).metrics


def test_the_same_table_is_the_same(table):
    compared = compare_runs.compare(table, table)
    assert compared.alike
    assert compared.kinds[-1].between_runs == 0
    assert "The same numbers in every row." in compare_runs.text(compared, ["one", "two"])


def test_the_spread_between_runs_is_that_of_a_number(table):
    """Each run adds a rounding of 0.7 points to what is trained."""
    generator = np.random.default_rng(1)
    trained = table["method"] != "random"
    runs = [
        table.assign(top1=table["top1"] + generator.normal(0, 0.7, len(table)) * trained)
        for _ in range(2)
    ]
    compared = compare_runs.compare(*runs)
    kinds = {kind.name: kind for kind in compared.kinds}
    assert kinds["simclr linear"].between_runs == pytest.approx(0.7, rel=0.2)
    assert kinds["simclr linear"].between_seeds == pytest.approx(2.2, rel=0.3)
    assert kinds["random linear"].differ == 0
    everything = kinds["all"]
    assert everything.differ == trained.sum()
    difference = (runs[0]["top1"] - runs[1]["top1"]).abs()
    assert everything.largest == pytest.approx(difference.max())


def test_rows_of_one_run_alone_are_named_and_the_largest_difference_comes_first(table, tmp_path):
    other = table.assign(top1=table["top1"] + np.where(table.index == 5, 3.0, 0.0)).iloc[1:]
    compared = compare_runs.compare(table, other)
    assert not compared.alike
    assert "1 in a alone, 0 in b alone" in compare_runs.text(compared, ["one", "two"])
    compare_runs.write(compared, tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(table)
    assert float(rows[0]["difference"]) == pytest.approx(-3.0)
    assert [row["in"] for row in rows].count("a") == 1


def test_two_studies_are_no_two_runs(table):
    with pytest.raises(UserError, match="have no number in common"):
        compare_runs.compare(table, table.assign(target="elsewhere"))


def test_the_program_takes_folders():
    folder = ROOT / "results" / "real_mini"
    command = [sys.executable, ROOT / "workflow_scripts" / "compare_runs.py", folder, folder]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "73 numbers in both, 0 in a alone, 0 in b alone." in result.stdout
    assert "The same numbers in every row." in result.stdout

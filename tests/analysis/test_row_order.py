"""Row order says nothing: findings, cards and figures of a shuffled table are alike."""

import random
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourlenses.analysis import published, published_comparison
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from fourlenses.lenses.registry import figure_named
from fourlenses.study.vocabulary import METRICS_FIGURES
from tests.helpers import synthetic_metrics as synthetic

RESULTS = Path(__file__).parents[2] / "results"


def answers(file):
    evidence = Evidence.of(read_metrics(file))
    return [
        *(asdict(finding) for finding in conclusions.evaluate(evidence, Thresholds())),
        *(asdict(card) for card in conclusions.cards(evidence, Thresholds())),
        published_comparison.compare(evidence).to_csv(),
    ]


def numbers(file, lenses):
    evidence = Evidence.of(read_metrics(file))
    return {
        name: figure_named(name).draw(evidence)[1].to_csv()
        for name in METRICS_FIGURES
        if name in lenses
    }


def shuffled(file, seed, folder):
    """The table's lines in another order, in a folder without the counts of another table."""
    head, *lines = file.read_text().splitlines()
    random.Random(seed).shuffle(lines)
    copy = folder / f"shuffled{seed}.csv"
    copy.write_text("\n".join([head, *lines]) + "\n")
    return copy


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A small study, the paper's numbers, and two tables of an earlier version."""
    folder = tmp_path_factory.mktemp("tables")
    paper = published.rows().assign(top5="")
    paper["is_finest"] = paper["is_finest"].map({True: "true", False: "false"})
    paper.to_csv(folder / "paper.csv", index=False)
    synthetic.write(folder / "small.csv", synthetic.planted())
    for study in ("real_quick", "real_protocols"):
        rows = pd.read_csv(RESULTS / study / "metrics.csv", dtype=str, keep_default_na=False)
        rows.to_csv(folder / f"{study}.csv", index=False)
    files = sorted(folder.glob("*.csv"))
    return folder, files, {file: answers(file) for file in files}


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_findings_cards_and_comparisons_are_alike(tables, seed):
    folder, files, expected = tables
    file = files[seed % len(files)]
    assert answers(shuffled(file, seed, folder)) == expected[file]


def test_the_numbers_of_figures_are_alike(tables):
    folder, files, _ = tables
    published = set(METRICS_FIGURES) - {"alternatives"}  # the paper has no external encoders
    for file, lenses in zip(
        files, (published, {"granularity"}, {"granularity"}, {"quantity"}), strict=True
    ):
        assert numbers(shuffled(file, 1, folder), lenses) == numbers(file, lenses), file.name

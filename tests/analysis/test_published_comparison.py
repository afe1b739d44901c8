"""Ours next to the paper's: which rows are matched, the difference, the table on disk."""

import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest

from fourlenses.analysis import published, published_comparison
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.figures import evidence_of
from tests.helpers.synthetic_metrics import row

PROGRAM = Path(__file__).resolve().parents[2] / "workflow_scripts" / "compare_published.py"
ALL = 1_281_167


def ours(source, top1, **more):
    return row(
        "domain",
        "simclr",
        source,
        "imagenet",
        top1,
        **({"level": "class", "labelled_images": ALL, "protocol": "linear_augmented"} | more),
    )


def test_a_row_is_matched_by_everything_that_names_it(tmp_path):
    rows = [
        ours("imagenet-500000", 60.9),  # table 2 has 62.9
        ours("imagenet-500001", 61.0),
        ours("imagenet-500000", 30.0, labelled_images=1000),
        ours("imagenet-500000", 59.0, protocol="knn"),
        ours("imagenet-500000", 70.0, level="coarse"),
        ours("imagenet-500000@blur", 50.0),
        row("domain", "simclr", "mine-500000", "mine", 50.0, level="class", labelled_images=ALL),
    ]
    compared = published_comparison.compare(evidence_of(tmp_path, rows))
    assert len(compared) == 1
    first = compared.iloc[0]
    assert (first["ours"], first["paper"], first["reading_error"]) == (60.9, 62.9, 0)
    assert (
        first["ours_low"] < 60.9 - 1.35 < 60.9 + 1.35 < first["ours_high"]
    )  # one seed: wider than 5,000 test images alone make it
    assert first["difference"] == pytest.approx(-2.0)
    assert first["origin"] == "table2_pooled"


def test_seeds_are_averaged_and_other_spellings_of_a_source_understood(tmp_path):
    rows = [
        ours("imagenet-1000000 | inat21-1000000", top1, seed=seed, pretrain_images=2_000_000)
        for seed, top1 in enumerate((62.0, 64.0))
    ]
    rows.append(
        row(
            "granularity",
            "simclr",
            "imagenet-all",
            "imagenet",
            66.0,
            level="class",
            protocol="linear_augmented",
            labelled_images=ALL,
            pretrain_images=ALL,
        )
    )
    compared = published_comparison.compare(evidence_of(tmp_path, rows)).set_index("source")
    concatenated = compared.loc["imagenet-1000000~inat21-1000000"]
    assert (concatenated["ours"], concatenated["seeds"]) == (63.0, 2)
    assert concatenated["difference"] == pytest.approx(63.0 - (64.4 - 0.6))  # tables 1 and 3
    assert compared.loc[f"imagenet-{ALL}", "origin"] == "fig5_granularity"


def test_every_published_number_fed_through_as_ours_differs_by_nothing(tmp_path):
    rows = published.rows().assign(study="ours", top5="", is_finest="")
    rows.to_csv(tmp_path / "metrics.csv", index=False)
    compared = published_comparison.compare(Evidence.of(read_metrics(tmp_path / "metrics.csv")))
    assert len(compared) == len(rows.drop_duplicates(published_comparison.KEYS))
    assert compared["difference"].abs().max() < 1e-9
    rows.assign(study="published").to_csv(tmp_path / "metrics.csv", index=False)
    assert published_comparison.compare(Evidence.of(read_metrics(tmp_path / "metrics.csv"))).empty


def test_the_program_writes_a_header_alone_where_nothing_matches(tmp_path, monkeypatch):
    for name, rows, count in (
        ("none", synthetic.planted(), 0),
        ("one", [ours("imagenet-500000", 60.9)], 1),
    ):
        metrics = synthetic.write(tmp_path / f"{name}.csv", rows)
        output = tmp_path / name / "published.csv"
        monkeypatch.setattr(
            sys, "argv", [str(PROGRAM), "--metrics", str(metrics), "--output", str(output)]
        )
        runpy.run_path(str(PROGRAM), run_name="__main__")
        written = pd.read_csv(output)
        assert list(written.columns) == published_comparison.COLUMNS
        assert len(written) == count

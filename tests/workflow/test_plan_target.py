"""`snakemake plan` and a dry-run of the paper's study, with snakemake itself, where no data is."""

import csv

from tests.workflow.test_whole import ROOT, said, snakemake


def test_plan_of_a_tiny_study_and_again_when_something_is_done(tmp_path):
    result = snakemake(tmp_path, "plan")
    assert result.returncode == 0, said(result)
    assert "What the study 'tiny' costs" in result.stdout
    assert "unknown" in result.stdout  # how many images animals has, before it is indexed
    prefix = tmp_path / "results/tiny/plan"
    assert all(prefix.with_suffix(f".{ending}").stat().st_size > 0 for ending in ("csv", "md", "svg", "png"))
    encoder = tmp_path / "results/tiny/pretrain/simclr/drawings-36/seed0/encoder.safetensors"
    encoder.parent.mkdir(parents=True)
    encoder.touch()
    assert snakemake(tmp_path, "plan").returncode == 0
    with open(prefix.with_suffix(".csv"), newline="") as file:
        done = [row["job"] for row in csv.DictReader(file) if row["done"] == "yes"]
    assert done == ["pretrain/simclr/drawings-36/seed0"]


def test_the_papers_study_can_be_planned_and_dry_run_without_data(tmp_path):
    paper = ROOT / "studies" / "paper.yaml"
    result = snakemake(tmp_path, "plan", config=paper)
    assert result.returncode == 0, said(result)
    rows = list(csv.DictReader((tmp_path / "results/paper/plan.csv").read_text().splitlines()))
    assert all(row["hours"] for row in rows)  # nothing unknown
    dry = snakemake(tmp_path, "all", "-n", config=paper)
    assert dry.returncode == 0, said(dry)
    encoders = sum(row["kind"] == "pretrain" for row in rows)
    assert f"pretrain {encoders}" in " ".join(said(dry).split())

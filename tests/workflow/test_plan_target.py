"""`snakemake plan` and a dry-run of the paper's study, with snakemake itself, where no data is."""

import csv
import re

import yaml
from tests.workflow.test_whole import ROOT, output_of, snakemake


def test_plan_of_a_tiny_study_and_again_when_something_is_done(tmp_path):
    result = snakemake(tmp_path, "plan")
    assert result.returncode == 0, output_of(result)
    assert "What the study 'tiny' costs" in result.stdout
    assert "unknown" in result.stdout  # how many images animals has, before it is indexed
    # what the rule asks for, as Snakemake has it, next to what is predicted
    assert re.search(r"\| `pretrain` \| \d+ \| 8,000 \| [\d,]+ \| pretrain/", result.stdout)
    prefix = tmp_path / "results/tiny/plan"
    assert all(
        prefix.with_suffix(f".{ending}").stat().st_size > 0
        for ending in ("csv", "md", "svg", "png")
    )
    assert "How many images animals have is not known before they are indexed" in result.stdout
    assert (tmp_path / "results/tiny/power.md").read_text().startswith("# What the study 'tiny'")
    encoder = tmp_path / "results/tiny/pretrain/simclr/drawings-36/seed0/encoder.safetensors"
    encoder.parent.mkdir(parents=True)
    encoder.touch()
    again = snakemake(tmp_path, "plan")
    assert again.returncode == 0
    # as Snakemake says: the images and the subset it was made from are not there
    assert "1 jobs that were done are made again" in again.stdout
    with open(prefix.with_suffix(".csv"), newline="") as file:
        assert not any(row["done"] == "yes" for row in csv.DictReader(file))


def test_the_papers_study_can_be_planned_and_dry_run_without_data(tmp_path):
    paper = ROOT / "studies" / "paper.yaml"
    result = snakemake(tmp_path, "plan", config=paper)
    assert result.returncode == 0, output_of(result)
    rows = list(csv.DictReader((tmp_path / "results/paper/plan.csv").read_text().splitlines()))
    assert all(row["hours"] for row in rows)  # nothing unknown
    dry = snakemake(tmp_path, "all", "-n", config=paper)
    assert dry.returncode == 0, output_of(dry)
    encoders = sum(row["kind"] == "pretrain" for row in rows)
    assert f"pretrain {encoders}" in " ".join(output_of(dry).split())


def test_a_dry_run_lists_the_derived_encoders_and_concatenated_encoders(tmp_path):
    drawn = {"source": "synthetic", "domain": "objects", "train_images": 400, "test_images": 50}
    study = {
        "study": "small",
        "seeds": [0, 1],
        "lenses": ["quantity", "domain"],
        "datasets": {"objects": {**drawn, "seed": 1}, "plants": {**drawn, "seed": 2}},
        "quantity": {
            **{"datasets": ["objects"], "pretrain_images": [100, 200], "labelled_images": [100]},
            **{
                "equal": "both",
                "convergence": ["half"],
                "baselines": ["scratch_published"],
                "more": [],
            },
        },
        "domain": {
            **{"datasets": ["objects", "plants"], "pretrain_images": 200, "labelled_images": 100},
            **{
                "pools": [["objects", "plants"]],
                "pool_images": 100,
                "concatenated": [["objects", {"dataset": "objects", "seed": "next"}]],
            },
        },
    }
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(study))
    listed = output_of(snakemake(tmp_path, "evaluate_all", "-n", config=file))
    encoders = ["random/none"]
    encoders += [
        f"simclr/{source}"
        for source in (
            "objects-100",
            "objects-200",
            "plants-100",
            "plants-200",
            "objects-100+plants-100",
        )
    ]
    encoders += ["simclr_half/objects-200", "simclr_steps/objects-100"]
    pretrained = set(re.findall(r"Pretraining (\S+) on (\S+), seed (\d)", listed))
    assert pretrained == {(*name.split("/"), seed) for name in encoders for seed in "01"}
    assert "Evaluating simclr on objects-200~objects-200.seed1, seed 0" in listed
    assert "Evaluating simclr on objects-200~objects-200.seed0, seed 1" in listed
    assert (
        "Training scratch_published of supervised on objects-100: 100 labels of objects" in listed
    )


def test_a_dry_run_lists_the_smaller_encoders_that_a_larger_one_continues(tmp_path):
    drawn = {"source": "synthetic", "domain": "objects", "train_images": 400, "test_images": 50}
    study = {
        "study": "grown",
        "seeds": [0],
        "lenses": ["quantity"],
        "datasets": {"objects": {**drawn, "seed": 1}},
        "methods": {"simclr_grown": {"preset": "minutes", "smaller_first": [50, 100]}},
        "quantity": {
            **{"datasets": ["objects"], "methods": ["simclr_grown"], "pretrain_images": [200]},
            **{"labelled_images": [100], "baselines": [], "convergence": [], "more": []},
        },
    }
    file = tmp_path / "grown.yaml"
    file.write_text(yaml.safe_dump(study))
    listed = output_of(snakemake(tmp_path, "evaluate_all", "-n", "-p", config=file))
    pretrained = re.findall(r"Pretraining simclr_grown on (\S+), seed 0", listed)
    assert sorted(pretrained) == ["objects-100", "objects-200", "objects-50"]
    starts = re.findall(r"--start (\S*) ?(?:\S+ )?--output", " ".join(listed.split()))
    folder = "results/grown/pretrain/simclr_grown"
    assert {start for start in starts if start} >= {
        f"{folder}/objects-50/seed0/encoder.safetensors",
        f"{folder}/objects-100/seed0/encoder.safetensors",
    }

"""A small study from nothing to its report, through the executor, as a user on a cluster goes it; and what its jobs ask for."""

import json

import pandas as pd
import pytest
import yaml

from tests.slurm.cluster import Study

pytestmark = pytest.mark.slurm
DATASETS = {
    domain: {"source": "synthetic", "domain": domain, "train_images": 64, "test_images": 32, "seed": 1} for domain in ("objects", "species")
}
METHOD = {"epochs": 2, "batch_size": 32, "warmup_epochs": 0}
# config.yaml with its four lenses and its protocols, of two tiny domains
CUT = {
    "study": "cut",
    "stored_size": 24,
    "image_size": 16,
    "datasets": DATASETS,
    "methods": {"simclr": METHOD, "supervised": METHOD},
    "training": {"health_images": 0},
    "evaluation": {"label_repeats": 1, "scratch": {"epochs": 1, "min_steps": 2, "max_steps": 2}},
    "quantity": {"datasets": ["objects"], "pretrain_images": [64], "labelled_images": [32]},
    "domain": {"datasets": ["objects", "species"], "pretrain_images": 64, "labelled_images": 32},
    "quality": {"datasets": ["objects"], "pretrain_images": 64, "labelled_images": 32},
    "granularity": {"datasets": ["objects"], "pretrain_images": 64, "labelled_images": 32},
}
GPU, CPU = {"Partition": "gpu", "TresPerJob": "gres:gpu:fake:1"}, {"Partition": "cpu", "TresPerJob": None}
# of each rule, by docs and profile: how many jobs, and what the scheduler is to know of each
ASKS = {
    "index_dataset": (2, {**CPU, "TimeLimit": "04:00:00", "MinMemoryNode": "4000M", "NumCPUs": "1"}),
    "write_beton": (2, {**CPU, "TimeLimit": "12:00:00", "MinMemoryNode": "4000M", "NumCPUs": "16"}),
    "write_corrupted_beton": (1, {**CPU, "TimeLimit": "12:00:00", "MinMemoryNode": "4000M", "NumCPUs": "1"}),
    "pretrain": (6, {**GPU, "TimeLimit": "12:00:00", "MinMemoryNode": "48000M", "NumCPUs": "8"}),
    "evaluate": (6, {**GPU, "TimeLimit": "04:00:00", "MinMemoryNode": "48000M", "NumCPUs": "1"}),
    "train_evaluate": (1, {**GPU, "TimeLimit": "12:00:00", "MinMemoryNode": "48000M", "NumCPUs": "8"}),
}


def test_a_cut_of_the_default_study_goes_all_the_way(cluster, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(CUT))
    study = Study(cluster, tmp_path, file)
    try:
        head = study.start("all")
        assert head.end() == 0, head.said()
    finally:
        study.close()
    results = tmp_path / "results/cut"
    table = pd.read_csv(results / "metrics.csv", keep_default_na=False)
    assert set(table["method"]) == {"random", "simclr", "supervised"}
    assert set(";".join(table["lens"]).split(";")) == {"quantity", "domain", "quality", "granularity"}
    for figure in ("quantity", "domain", "quality", "granularity"):
        assert (results / f"figures/{figure}.svg").stat().st_size > 100
    assert {finding["finding"] for finding in json.loads((results / "findings.json").read_text())}
    assert (results / "report.html").stat().st_size > 1000
    # what trains or evaluates asks for a GPU, what reads images for CPUs, and what is light ran beside the head
    jobs = {rule: [cluster.job(job) for job in study.jobs(f"{rule}_wildcards")] for rule in ASKS}
    asked = {rule: (len(known), {key: job.get(key) for key in ASKS[rule][1]}) for rule, known in jobs.items() for job in known}
    assert asked == ASKS
    assert sum(len(known) for known in jobs.values()) == len(study.jobs())
    assert {job["JobState"] for known in jobs.values() for job in known} == {"COMPLETED"}

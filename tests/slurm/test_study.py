"""A small study from nothing to its report, through the executor, and the demands of its jobs."""

import json
import re
from datetime import timedelta

import pandas as pd
import pytest
import yaml

from tests.slurm.cluster import ROOT, Study

pytestmark = pytest.mark.slurm
DATASETS = {
    domain: {
        "source": "synthetic",
        "domain": domain,
        "train_images": 64,
        "test_images": 32,
        "seed": 1,
    }
    for domain in ("objects", "species")
}
METHOD = {"epochs": 2, "batch_size": 32, "warmup_epochs": 0}
# config.yaml with its four lenses and its protocols, of two tiny domains
CUT = {
    "study": "cut",
    "device": "cpu",  # the GPUs of its nodes are null devices
    "seeds": [0],
    "stored_size": 24,
    "image_size": 16,
    "datasets": DATASETS,
    "methods": {"simclr": METHOD, "supervised": METHOD},
    "training": {"monitor_images": 0},
    "evaluation": {"label_repeats": 1, "scratch": {"epochs": 1, "min_steps": 2, "max_steps": 2}},
    "quantity": {
        "datasets": ["objects"],
        "pretrain_images": [64],
        "labelled_images": [32],
        "more": [],
    },
    "domain": {
        "datasets": ["objects", "species"],
        "pretrain_images": 64,
        "labelled_images": 32,
        "pools": [],
    },
    "quality": {"datasets": ["objects"], "pretrain_images": 64, "labelled_images": 32},
    "granularity": {"datasets": ["objects"], "pretrain_images": 64, "labelled_images": 32},
}
GPU, CPU = (
    {"Partition": "gpu", "TresPerJob": "gres:gpu:fake:1"},
    {"Partition": "cpu", "TresPerJob": None},
)
# of each rule, by docs and profile: how many jobs, and what the scheduler is to know of each
ASKS = {
    "index_dataset": (
        2,
        {**CPU, "TimeLimit": "04:00:00", "MinMemoryNode": "4000M", "NumCPUs": "1"},
    ),
    "write_beton": (2, {**CPU, "TimeLimit": "12:00:00", "MinMemoryNode": "4000M", "NumCPUs": "16"}),
    "write_corrupted_beton": (
        1,
        {**CPU, "TimeLimit": "12:00:00", "MinMemoryNode": "4000M", "NumCPUs": "16"},
    ),
    "pretrain": (6, {**GPU, "TimeLimit": "12:00:00", "MinMemoryNode": "48000M", "NumCPUs": "8"}),
    "evaluate": (6, {**GPU, "TimeLimit": "04:00:00", "MinMemoryNode": "48000M", "NumCPUs": "8"}),
    "measure_similarity": (
        1,
        {**GPU, "TimeLimit": "01:00:00", "MinMemoryNode": "8000M", "NumCPUs": "8"},
    ),
    "train_evaluate": (
        1,
        {**GPU, "TimeLimit": "12:00:00", "MinMemoryNode": "48000M", "NumCPUs": "8"},
    ),
}


@pytest.fixture(scope="module")
def study(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    (folder / "config.yaml").write_text(yaml.safe_dump(CUT))
    study = Study(cluster, folder, folder / "config.yaml")
    yield study
    study.close()


def asked(study: Study, rule: str, keys) -> list[dict]:
    known = [study.cluster.job(job) for job in study.jobs(rule)]
    assert {job["JobState"] for job in known} == {"COMPLETED"}
    return [{key: job.get(key) for key in keys} for job in known]


def test_a_cut_of_the_default_study_goes_all_the_way(study):
    head = study.start("all")
    assert head.end() == 0, head.output()
    results = study.folder / "results/cut"
    table = pd.read_csv(results / "metrics.csv", keep_default_na=False)
    assert set(table["method"]) == {"random", "simclr", "supervised"}
    assert set(";".join(table["lens"]).split(";")) == {
        "quantity",
        "domain",
        "quality",
        "granularity",
    }
    for figure in ("quantity", "domain", "quality", "granularity"):
        assert (results / f"figures/{figure}.svg").stat().st_size > 100
    assert json.loads((results / "findings.json").read_text())
    assert (results / "report.html").stat().st_size > 1000
    # what trains or evaluates asks for a GPU, what reads images for CPUs, and what is light ran on
    # the head's machine
    for rule, (count, asks) in ASKS.items():
        assert asked(study, rule, asks) == [asks] * count, rule
    assert len(study.jobs()) == sum(count for count, _ in ASKS.values())


def test_packed_evaluations_share_a_job_and_give_the_same(study, tmp_path):
    """With the block of the profile that is to be uncommented."""
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    profile = re.sub(r"^resources: .*\n", "", profile, flags=re.MULTILINE)
    profile, lines = re.subn(
        r"^# (groups|group-components|set-resource-scopes|resources):",
        r"\1:",
        profile,
        flags=re.MULTILINE,
    )
    assert lines == 4
    (tmp_path / "config.yaml").write_text(profile)
    evaluated = study.folder / "results/cut/evaluate"
    cells = sorted(evaluated.glob("**/cells.json"))
    before = {file: json.loads(file.read_text()) for file in cells}
    for file in cells:
        file.unlink()
    head = study.start(
        *(file.relative_to(study.folder) for file in cells), profiles=(tmp_path, "slurm-squeue")
    )
    assert head.end() == 0, head.output()
    hours = timedelta(hours=4 * len(cells))
    asks = {
        "TresPerJob": "gres:gpu:fake:1",
        "MinMemoryNode": "48000M",
        "NumCPUs": "8",
        "TimeLimit": f"{hours.days}-00:00:00",
    }
    assert len(cells) == 6
    assert asked(study, "evaluations_evaluate", asks) == [asks]
    scores = [[cell["levels"] for cell in record["cells"]] for record in before.values()]
    assert [
        [cell["levels"] for cell in json.loads(file.read_text())["cells"]] for file in cells
    ] == scores

"""Removed outputs of finished trainings come back from the result cache.

Unless the code has changed, or the cache is damaged.
"""

import shutil
from pathlib import Path

import pytest
import yaml
from tests.slurm.conftest import CONFIG
from tests.workflow.test_whole import ROOT, output_of, snakemake

from fourlenses.resume.result_cache import FOLDER

RUN = "results/faults/pretrain/simclr/drawings-64/seed0"
RECORD = "results/faults/evaluate/simclr/drawings-64/seed0/fine_tune/drawings/32"
FILES = [
    f"{RUN}/{name}"
    for name in ("encoder.safetensors", "head.safetensors", "history.csv", "run.json")
]
FILES += [f"{RECORD}.json", f"{RECORD}.npz"]
LOGS = [
    file.replace("/pretrain/", "/logs/pretrain/") + ".log"
    for file in (RUN, RECORD.replace("/evaluate/", "/logs/evaluate/"))
]
FINISHED_BEFORE, BEGINS = "this training has finished before", "peak learning rate"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder in which a pretraining and a fine-tuning were run, and the project that ran them."""
    project, folder = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("study")
    for part in (
        "src",
        "rules",
        "workflow_scripts",
        "presets",
        "schemas",
        "profiles",
        "studies",
        "envs",
    ):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / part, project)
    tuned = {
        "epochs": 1,
        "min_steps": 2,
        "max_steps": 2,
        "learning_rates": [0.002],
        "weight_decays": [0.0005],
    }
    config = CONFIG | {
        "evaluation": {"fine_tune": tuned},
        "methods": {"simclr": CONFIG["methods"]["simclr"] | {"epochs": 4}},
    }
    config["quantity"] = CONFIG["quantity"] | {"protocols": ["fine_tune"]}
    file = folder / "faults.yaml"
    file.write_text(yaml.safe_dump(config))

    def make() -> dict[str, bytes]:
        result = snakemake(folder, *FILES, config=file, project=project)
        assert result.returncode == 0, output_of(result)[-4000:]
        return {name: (folder / name).read_bytes() for name in FILES}

    return project, folder, make, make()


def remove(folder: Path) -> None:
    """Remove the outputs, as Snakemake does."""
    for name in FILES:
        (folder / name).unlink()


def logs(folder: Path) -> list[str]:
    return [(folder / log).read_text() for log in LOGS]


def test_removed_outputs_come_back_without_training(study):
    _, folder, make, made = study
    assert all(BEGINS in log for log in logs(folder))
    remove(folder)
    assert make() == made
    for log in logs(folder):
        assert FINISHED_BEFORE in log
        assert BEGINS not in log


def test_a_damaged_set_and_edited_code_train_again(study):
    project, folder, make, made = study
    remove(folder)
    (encoder,) = folder.glob(
        f"results/faults/checkpoints/simclr/*/seed0/*/{FOLDER}/encoder.safetensors"
    )
    encoder.write_bytes(encoder.read_bytes()[:-1])
    again = make()
    assert again[FILES[0]] == made[FILES[0]]  # the same weights, from another training
    assert again[f"{RUN}/run.json"] != made[f"{RUN}/run.json"]
    pretraining, tuning = logs(folder)
    assert "encoder.safetensors has SHA-256" in pretraining
    assert BEGINS in pretraining
    assert FINISHED_BEFORE in tuning  # of an encoder of the same bytes

    remove(folder)
    with open(project / "src/fourlenses/methods/simclr.py", "a") as file:
        file.write("# edited\n")
    make()
    for log in logs(folder):
        assert "made with another code_sha256" in log
        assert BEGINS in log

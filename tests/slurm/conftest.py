"""A SLURM for all tests of this folder, and copies of a small study.

Its images are prepared, so that only training is left to do.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from tests.slurm.cluster import ROOT, Cluster, Study, end_processes_of
from tests.slurm.training import ENCODER, RUN

# of this process's own clusters, of 120 ports each
BASE_PORT = int(os.environ.get("SLURM_TEST_BASEPORT", "17817")) + 360 * int(
    os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]
)
CONFIG = {
    "study": "faults",
    "device": "cpu",  # the GPUs of its nodes are null devices
    "stored_size": 24,
    "image_size": 16,
    "seeds": [0],
    "lenses": ["quantity"],
    "datasets": {
        "drawings": {
            "source": "synthetic",
            "domain": "objects",
            "train_images": 64,
            "test_images": 32,
            "seed": 1,
        }
    },
    # long enough to be held at its first or second checkpoint (tests.slurm.training.held)
    "methods": {"simclr": {"epochs": 100, "batch_size": 32, "warmup_epochs": 0}},
    "training": {"checkpoint_minutes": 0.01, "monitor_images": 0},
    "quantity": {
        "datasets": ["drawings"],
        "pretrain_images": [64],
        "labelled_images": [32],
        "more": [],
    },
    "evaluation": {
        "scratch": {
            "epochs": 1,
            "min_steps": 2,
            "max_steps": 2,
            "learning_rates": [0.002],
            "weight_decays": [0.0005],
        }
    },
}


@pytest.fixture(scope="session")
def cluster():
    with tempfile.TemporaryDirectory(prefix="fourlenses-slurm-") as folder:
        cluster = Cluster(Path(folder), BASE_PORT)
        cluster.script("start")
        yield cluster
        cluster.script("stop")
        end_processes_of(cluster.folder)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """The study's folder after an undisturbed run here; its results are in undisturbed/ instead."""
    folder = tmp_path_factory.mktemp("prepared")
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    run_here(folder, config)
    (folder / RUN).rename(folder / "undisturbed")
    shutil.rmtree(folder / "results")
    return folder


def run_here(folder: Path, config: Path) -> None:
    """Make the encoder in a folder, without SLURM."""
    command = [Path(sys.executable).with_name("snakemake"), ENCODER, "--cores", 2]
    command += ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", config]
    command += ["--workflow-profile", ROOT / "profiles" / "ci"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def study(cluster, prepared, tmp_path):
    """The prepared study. After the test no head and no job of it is left."""
    cluster.script("start")  # whatever the test before did to it
    study = copy_of(prepared, cluster, tmp_path / "study")
    yield study
    study.close()


def copy_of(prepared: Path, cluster: Cluster, folder: Path) -> Study:
    shutil.copytree(prepared, folder)
    return Study(cluster, folder, folder / "config.yaml")

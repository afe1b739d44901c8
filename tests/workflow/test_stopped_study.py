"""A study that is stopped while it pretrains goes on to the same bytes as one that never was."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.usefixtures("signals_of_a_terminal")
ROOT = Path(__file__).parents[2]
RUN = "simclr/drawings-all/seed0"
ENCODER = f"results/stopped/pretrain/{RUN}/encoder.safetensors"
CONFIG = {
    "study": "stopped",
    "raw_data": ".",
    "seeds": [0],
    "stored_size": 24,
    "image_size": 16,
    "lenses": ["quantity"],
    "datasets": {
        "drawings": {
            "source": "synthetic",
            "domain": "objects",
            "train_images": 640,
            "test_images": 40,
            "seed": 1,
        }
    },
    "methods": {"simclr": {"epochs": 40, "batch_size": 32, "warmup_epochs": 0}},
    "training": {"checkpoint_minutes": 60},
    "quantity": {
        "datasets": ["drawings"],
        "methods": ["simclr"],
        "pretrain_images": ["all"],
        "labelled_images": ["all"],
        "protocols": ["linear"],
        "more": [],
    },
}


def start(folder: Path) -> subprocess.Popen:
    (folder / "study.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [Path(sys.executable).with_name("snakemake"), ENCODER, "--cores", "1"]
    command += ["--snakefile", ROOT / "Snakefile", "--directory", folder]
    command += ["--configfile", folder / "study.yaml"]
    command += ["--workflow-profile", ROOT / "profiles" / "local"]
    return subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        start_new_session=True,
    )


def log_of(folder: Path) -> str:
    file = folder / f"results/stopped/logs/pretrain/{RUN}.log"
    return file.read_text() if file.exists() else ""


def wait_for(what, head: subprocess.Popen, seconds: float = 240.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        if head.poll() is not None or time.monotonic() > until:
            head.kill()
            pytest.fail(head.communicate()[0])
        time.sleep(0.1)


def finish(folder: Path) -> tuple[str, str]:
    """Run to the encoder; its SHA-256, and what was said."""
    head = start(folder)
    said, _ = head.communicate(timeout=300)
    assert head.returncode == 0, said
    return hashlib.sha256((folder / ENCODER).read_bytes()).hexdigest(), said


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("undisturbed"))[0]


@pytest.mark.parametrize("stop", ["Ctrl-C", "kill -INT", "kill -KILL"])
def test_a_stopped_study_goes_on_to_the_same_bytes(undisturbed, tmp_path, stop):
    head = start(tmp_path)
    wait_for(lambda: any((tmp_path / "results/stopped/checkpoints").rglob("live.json")), head)
    if stop == "Ctrl-C":
        os.killpg(head.pid, signal.SIGINT)
    else:
        os.kill(head.pid, signal.SIGKILL if stop == "kill -KILL" else signal.SIGINT)
    said, _ = head.communicate(timeout=60)
    if stop == "kill -KILL":
        until = time.monotonic() + 60
        while "stopped at step" not in log_of(tmp_path):
            assert time.monotonic() < until, log_of(tmp_path)
            time.sleep(0.1)
    else:
        assert said.splitlines()[-1].startswith("fourlenses: stopped by SIGINT"), said
    stopped = log_of(tmp_path)
    assert "to continue from" in stopped, stopped
    assert not (tmp_path / ENCODER).exists()
    encoder, said = finish(tmp_path)
    assert ("its lock is removed" in said) == (stop == "kill -KILL")
    assert "resum" in log_of(tmp_path), log_of(tmp_path)
    assert encoder == undisturbed

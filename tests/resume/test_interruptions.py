"""Runs that are killed, stopped, damaged or contested, and continue to the same weights.

FOURLENSES_KILLS=10 kills every method with either input at ten random moments instead of two.
"""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from safetensors.torch import load_file

from fourlenses.core.errors import Interrupted
from fourlenses.resume.result_cache import FOLDER
from tests.helpers.runs import forget_finished, go, left_behind, same, settings

KILLS = int(os.environ.get("FOURLENSES_KILLS", "0"))
METHODS, INPUTS = ("simclr", "moco", "byol", "supervised"), ("resident", "streaming")
PAIRS = (
    list(itertools.product(METHODS, INPUTS))
    if KILLS
    else list(zip(METHODS, INPUTS * 2, strict=True))
)
COMMAND = """
import json, sys
from pathlib import Path
from fourlenses.core.cli import run
from fourlenses.resume.placement import Placement
from fourlenses.training.pretrain import pretrain
from fourlenses.training.settings import PretrainingSettings
from tests.helpers.runs import data
folder, chosen, name, placement = Path(sys.argv[1]), *sys.argv[2:]
placement = {"device": "cpu", "checkpoint_seconds": 0, **json.loads(placement)}
placement = Placement(folder / "checkpoints", **placement)
settings = PretrainingSettings.from_json(json.loads(chosen))
run(lambda: pretrain(settings, data(folder), placement=placement, output=folder / name))
"""


def start(folder, chosen, **placement):
    forget_finished(folder / "checkpoints")
    arguments = [
        sys.executable,
        "-c",
        COMMAND,
        str(folder),
        json.dumps(chosen.as_json()),
        "run",
        json.dumps(placement),
    ]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)


def wait_for_steps(folder, process, more_than):
    """The newest checkpoint's step once it is above ``more_than``; None if the run ended first."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        steps = [int(file.name[4:13]) for file in folder.glob("checkpoints/*/step*.pt")]
        if steps and max(steps) > more_than:
            return max(steps)
        if process.poll() is not None:
            return None
        time.sleep(0.002)
    raise AssertionError("no checkpoint in two minutes")


@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_killed_at_any_moment_and_resumed_is_bit_equal(dataset, method, kind):
    chosen = settings(method, epochs=60 if KILLS < 5 else 300)
    undisturbed, whole_record = go(dataset, "undisturbed", chosen, input=kind)
    moments, step = random.Random(0), 0
    for _ in range(KILLS or 2):
        process = start(dataset, chosen, input=kind)
        step = wait_for_steps(dataset, process, step)
        assert step is not None, process.stderr.read()
        time.sleep(
            moments.uniform(0, 0.05)
        )  # in the middle of a step, of writing a checkpoint, of anything
        process.kill()
        process.communicate()
    assert not (dataset / "run" / "encoder.safetensors").exists()
    resumed, record = go(dataset, "run", chosen, input=kind)
    assert same(undisturbed, resumed)
    assert record["effective"]["input"] == kind
    assert record["losses"] == whole_record["losses"]
    whole, broken = (
        pd.read_csv(dataset / name / "history.csv").drop(columns="images_per_second")
        for name in ("undisturbed", "run")
    )
    pd.testing.assert_frame_equal(
        whole, broken, check_exact=True
    )  # means over steps on both sides of a kill too
    assert left_behind(dataset / "checkpoints") == {FOLDER}


@pytest.mark.parametrize("kind", INPUTS)
def test_lejepa_with_small_views_is_resumed_bit_equal(dataset, kind):
    chosen = settings("lejepa", views=["strong", "strong", "small", "small"], epochs=12)
    undisturbed, _ = go(dataset, "undisturbed", chosen, input=kind)
    for _ in range(2):
        with pytest.raises(Interrupted):
            go(dataset, "run", chosen, input=kind, max_minutes=1e-6)
    resumed, _ = go(dataset, "run", chosen, input=kind)
    assert same(undisturbed, resumed)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_ends_with_a_checkpoint_and_code_75(dataset, name):
    chosen = settings(epochs=4000)
    process = start(dataset, chosen, checkpoint_seconds=1e9)
    time.sleep(1)
    while (
        process.poll() is None
        and "%" not in "".join(iter(lambda: process.stderr.read(1), "%")) + "%"
    ):
        pass
    process.send_signal(getattr(signal, name))
    _, log = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "run the same command again to continue from" in log.splitlines()[-1]
    assert len(list(dataset.glob("checkpoints/*/step*.pt"))) == 1


def test_the_wall_budget_ends_a_run_with_a_checkpoint_and_it_finishes_in_slots(dataset):
    chosen = settings(epochs=120)
    undisturbed, _ = go(dataset, "undisturbed", chosen)
    # on any machine: the first slots are shorter than starting takes, so each makes one step; the
    # last has time for all that is left
    for step, minutes in enumerate([0.001, 0.001, 0.001, 600], start=1):
        process = start(dataset, chosen, checkpoint_seconds=1e9, max_minutes=minutes)
        _, log = process.communicate(timeout=600)
        if minutes < 1:
            assert process.returncode == 75, log
            assert f"stopped at step {step} of " in log
            assert [
                int(file.name[4:13]) for file in sorted(dataset.glob("checkpoints/*/step*.pt"))
            ][-1] == step
    assert process.returncode == 0, log
    assert same(undisturbed, load_file(dataset / "run" / "encoder.safetensors"))
    assert left_behind(dataset / "checkpoints") == {FOLDER}


def test_two_jobs_never_train_into_one_directory(dataset):
    chosen = settings(epochs=20000)
    first = start(dataset, chosen)
    assert wait_for_steps(dataset, first, 0)
    second = start(dataset, chosen)
    _, log = second.communicate(timeout=120)
    assert second.returncode == 2
    assert f"process {first.pid}" in log
    assert first.poll() is None
    first.kill()
    first.communicate()

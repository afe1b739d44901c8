"""Evaluations that are killed, stopped or contested, and continue to the same numbers.

Also the program, in one process and in two.

FOURLENSES_KILLS=10 kills every protocol at ten random moments, instead of one at three.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.files import read_json
from fourlenses.evaluation.predictions import read_predictions
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.result_cache import FOLDER
from fourlenses.training.trainer import Trainer
from tests.helpers.runs import forget_finished, left_behind
from tests.helpers.trained import (
    CROP,
    HYPER,
    go,
    make_encoder,
    make_target,
    numbers,
    settings,
    task,
)

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("FOURLENSES_KILLS", "0"))
CHANGES = {"learning_rates": [0.01, 0.05], "epochs": 100, "max_steps": 120}


def start(folder, protocol, name="record", checkpoint_minutes=0.0, processes=1, **changes):
    """Start the program itself, which reads an encoder of ``folder / "run"``.

    It makes again what it made before.
    """
    forget_finished(folder / "checkpoints")
    hyperparameters = HYPER | CHANGES | changes
    program = [
        sys.executable,
        str(ROOT / "workflow_scripts" / "train_evaluate.py"),
        "--protocol",
        protocol,
        "--run",
        str(folder / "run"),
    ]
    files = [
        "--beton",
        f"{folder}/clean.beton",
        "--manifest",
        f"{folder}/manifest.parquet",
        "--subset",
        f"{folder}/all.npy",
    ]
    names = [
        "--dataset",
        "colours",
        "--labelled",
        "all",
        "--settings",
        json.dumps(hyperparameters),
        "--recipe",
        json.dumps(CROP),
    ]
    written = [
        "--record",
        f"{folder}/{name}.json",
        "--predictions",
        f"{folder}/{name}.npz",
        "--checkpoints",
        f"{folder}/checkpoints",
    ]
    how = [
        "--validation-fraction",
        "0.25",
        "--device",
        "cpu",
        "--precision",
        "float32",
        "--workers",
        "1",
        "--processes",
        str(processes),
    ]
    minutes = ["--checkpoint-minutes", str(checkpoint_minutes)]
    return subprocess.Popen(
        [*program, *files, *names, *written, *how, *minutes], stderr=subprocess.PIPE, text=True
    )


def cell(folder, name="record"):
    (only,) = read_json(folder / f"{name}.json")["cells"]
    return {key: value for key, value in only.items() if key != "timing"}


def progress(folder):
    """How many trainings are done, and the newest checkpoint's step of the one that is not."""
    steps = [
        (file.parent.name, int(file.name[4:13])) for file in folder.glob("checkpoints/*/*/step*.pt")
    ]
    files = list(folder.glob("checkpoints/*/progress.json"))
    done = json.loads(files[0].read_text())["found"] if files else {}
    return len(done), max((step for name, step in steps if name not in done), default=0)


def wait_beyond(folder, process, before):
    """Where the program stands once that is further than ``before``."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        now = progress(folder)
        if now > before and now[1] > 0:
            return now
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.002)
    raise AssertionError("no checkpoint in three minutes")


@pytest.fixture
def folder(tmp_path):
    make_target(tmp_path)
    make_encoder(tmp_path / "run")
    return tmp_path


@pytest.mark.parametrize(
    "protocol", ["fine_tune", "linear_augmented", "scratch"] if KILLS else ["fine_tune"]
)
def test_killed_at_any_moment_and_resumed_is_bit_equal(folder, protocol):
    """Killed while rates are compared, and in the training that counts."""
    undisturbed = start(folder, protocol, "undisturbed", checkpoint_minutes=1e6)
    _, log = undisturbed.communicate(timeout=300)
    assert undisturbed.returncode == 0, log
    moments, stands = random.Random(0), (0, 0)
    kills = KILLS or 3
    for number in range(kills):
        aim = (number * 3 // kills, 0)  # each of the three trainings is killed
        process = start(folder, protocol)
        stands = wait_beyond(folder, process, max(stands, aim))
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.communicate()
    assert not (folder / "record.json").exists()
    last = start(folder, protocol)
    _, log = last.communicate(timeout=300)
    assert last.returncode == 0, log
    assert "resuming at step" in log
    assert cell(folder) == cell(folder, "undisturbed")
    assert np.array_equal(
        *(
            np.load(folder / f"{name}.npz")[f"colours/{protocol}/all"]
            for name in ("record", "undisturbed")
        )
    )
    assert left_behind(folder / "checkpoints") == {FOLDER}


def test_the_weights_are_the_same_to_the_last_bit(folder, monkeypatch):
    """Ended at every seventh checkpoint, before it is written, by an error that nothing handles."""
    encoder, target = make_encoder(folder / "other"), task(folder)
    chosen = settings("fine_tune", learning_rates=[0.01, 0.05])
    whole = go(encoder, target, chosen, folder / "checkpoints")
    save, calls = Checkpoints.save, []

    class Killed(BaseException):
        pass

    def interrupted(self, step, state):
        calls.append(step)
        if len(calls) % 7 == 0:
            raise Killed
        return save(self, step, state)

    monkeypatch.setattr(Checkpoints, "save", interrupted)
    kills = 0
    while True:
        try:
            broken = go(encoder, target, chosen, folder / "checkpoints", checkpoint_seconds=0)
            break
        except Killed:
            kills += 1
    assert kills >= 3
    np.testing.assert_equal(
        numbers(broken), numbers(whole)
    )  # log-loss and confidences of every image among them


@pytest.mark.parametrize("protocol", ["fine_tune", "scratch", "linear_augmented"])
def test_small_views_first_are_the_same_however_it_is_interrupted(folder, protocol):
    encoder, target = make_encoder(folder / "other"), task(folder)
    growing = settings(protocol, learning_rates=[0.01, 0.05], progressive_sizes=[0.5, 0.75, 1])
    whole = go(encoder, target, growing, folder / "checkpoints")
    plain = settings(protocol, learning_rates=[0.01, 0.05])
    assert not np.array_equal(
        whole["confidences"], go(encoder, target, plain, folder / "checkpoints")["confidences"]
    )
    for _ in range(100):  # every slot makes one step
        try:
            record = go(encoder, target, growing, folder / "checkpoints", max_minutes=1e-6)
            break
        except Interrupted:
            continue
    np.testing.assert_equal(numbers(record), numbers(whole))


def test_max_minutes_ends_it_with_a_checkpoint_and_it_finishes_in_slots(folder):
    encoder, target, chosen = (
        make_encoder(folder / "other"),
        task(folder),
        settings("fine_tune", learning_rates=[0.01, 0.05]),
    )
    whole = go(encoder, target, chosen, folder / "checkpoints")
    stops = []
    for _ in range(100):  # every slot makes one step
        try:
            record = go(encoder, target, chosen, folder / "checkpoints", max_minutes=1e-6)
            break
        except Interrupted as stop:
            stops.append(str(stop))
    assert all(
        "before the wall limit of 1e-06 minutes; run the same command again to continue from"
        in stop
        for stop in stops
    )
    assert (
        len(stops) == 33
    )  # of three trainings of 12 steps; the last step of each needs no checkpoint
    np.testing.assert_equal(numbers(record), numbers(whole))


def test_what_fails_again_and_again_at_one_point_is_refused_with_the_reason(folder, monkeypatch):
    encoder, target, chosen = (
        make_encoder(folder / "other"),
        task(folder),
        settings("fine_tune", learning_rates=[0.01, 0.05]),
    )
    train, trainings = Trainer.train, []

    def breaks(self, state):
        trainings.append(self.description)
        if "learning rate 0.01" in self.description:
            return train(self, state)
        raise ValueError("the GPU fell off the bus")

    monkeypatch.setattr(Trainer, "train", breaks)
    for _ in range(4):  # the first of them gets the first learning rate done
        with pytest.raises(ValueError, match="fell off"):
            go(encoder, target, chosen, folder / "checkpoints")
    with pytest.raises(
        UserError,
        match=r"3 attempts all started from step 0 of training 2 .*"
        "ValueError: the GPU fell off the bus",
    ):
        go(encoder, target, chosen, folder / "checkpoints")
    assert len(trainings) == 5
    monkeypatch.undo()
    (refusals,) = folder.glob("checkpoints/*/restarts.json")
    refusals.unlink()  # as the message says
    go(encoder, target, chosen, folder / "checkpoints")
    assert left_behind(folder / "checkpoints") == {FOLDER}


def test_a_signal_ends_it_with_code_75(folder):
    process = start(folder, "fine_tune", checkpoint_minutes=0.0, max_steps=40000, epochs=10000)
    wait_beyond(folder, process, (0, 0))
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "run the same command again to continue from" in log.splitlines()[-1]
    assert not (folder / "record.json").exists()


def test_two_jobs_never_make_one_evaluation(folder):
    first = start(folder, "fine_tune", max_steps=40000, epochs=10000)
    wait_beyond(folder, first, (0, 0))
    second = start(folder, "fine_tune", max_steps=40000, epochs=10000)
    _, log = second.communicate(timeout=120)
    assert second.returncode == 2
    assert f"process {first.pid}" in log
    first.kill()
    first.communicate()


@pytest.mark.parametrize("protocol", ["scratch", "scratch_published"])
def test_the_program_writes_a_cell_and_predictions(folder, protocol):
    process = start(folder, protocol, epochs=6, max_steps=30)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    record = cell(folder)
    assert (record["run"], record["source"], record["method"]) == (
        "supervised/colours-all/seed0",
        "colours-all",
        "supervised",
    )
    assert (
        record["target"],
        record["protocol"],
        record["labelled"],
        record["labelled_images"],
    ) == ("colours", protocol, "all", 72)
    assert (record["pretrain_images"], record["steps"], record["training_steps"]) == (72, 27, 27)
    assert record["fingerprints"] == {
        "encoders": [],
        "beton": read_json(folder / "clean.json")["content_sha256"],
    }
    predictions = read_predictions(folder / "record.npz")["colours"]
    right = predictions.predicted[f"{protocol}/all"] == predictions.labels
    assert record["top1"] == 100 * right.mean()
    assert (predictions.classes, len(predictions.rows)) == (["blue", "green", "red"], 36)


def test_bad_settings_end_in_a_sentence_and_code_2(folder):
    process = start(folder, "fine_tune", learning_rates=[])
    _, log = process.communicate(timeout=60)
    assert process.returncode == 2
    assert (
        "fourlenses: protocol 'fine_tune': 'learning_rates' must be different positive numbers"
        in log.splitlines()[-1]
    )
    (folder / "run" / "run.json").unlink()
    process = start(folder, "fine_tune")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "run.json is missing; name the directory of a finished pretraining run" in log


def test_two_processes_choose_and_test_as_one_does(folder):
    """The classifier alone learns, so one process and two differ by rounding only."""
    records = []
    for processes in (1, 2):
        process = start(
            folder,
            "linear_augmented",
            f"by{processes}",
            processes=processes,
            epochs=6,
            max_steps=30,
        )
        _, log = process.communicate(timeout=300)
        assert process.returncode == 0, log
        records.append(cell(folder, f"by{processes}"))
    alone, two = records
    assert two["log_loss"] == pytest.approx(alone["log_loss"], rel=1e-4)
    exact = (
        "learning_rate",
        "n_validation",
        "batch_size",
        "training_steps",
        "n_test",
        "top1",
        "validation_accuracy",
    )
    assert {key: two[key] for key in exact} == {key: alone[key] for key in exact}
    assert left_behind(folder / "checkpoints") == {FOLDER}

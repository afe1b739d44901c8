"""Pretrainings in trackers: while they run, after an interruption, afterwards; nothing is sent."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.core.files import read_json
from fourlenses.resume import live_progress
from fourlenses.trackers import sinks
from fourlenses.trackers.afterwards import log_study
from fourlenses.trackers.follow import Follower, check_trackers, following
from fourlenses.trackers.run import TrackedRun, curves, read_history
from fourlenses.trackers.views import views_picture
from tests.helpers.runs import go, same, settings

ROOT = Path(__file__).parents[2]
NAME = "simclr/animals-all/seed0"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """Without a server that this machine's user may have."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)


def study(dataset):
    return dataset / "results" / "mine"


def trained(dataset, names, **more):
    """Pretrain with trackers; the weights, and the rows of history.csv."""
    chosen = settings(steps=6, epochs=None, **more)
    run = TrackedRun.of("mine", chosen.as_json())
    rows = np.load(dataset / "all.npy")

    def picture():
        return views_picture(chosen.as_json(), "animals", beton=dataset / "clean.beton", rows=rows)

    with following(run, names, study(dataset) / "trackers", picture=picture):
        weights, _ = go(dataset, f"results/mine/pretrain/{NAME}", chosen)
    return weights, read_history(study(dataset) / "pretrain" / NAME / "history.csv")


def in_tensorboard(dataset):
    """Return the curves of the run, name -> [(step, value)], and the names of pictures."""
    events = EventAccumulator(str(study(dataset) / "trackers" / "tensorboard" / NAME))
    events.Reload()
    tags = events.Tags()
    scalars = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]}
    return scalars, tags["images"]


def in_mlflow(dataset):
    """Return the client and the runs of the study's experiment."""
    client = MlflowClient(tracking_uri=(study(dataset) / "trackers" / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("mine")
    return client, client.search_runs([experiment.experiment_id])


def expected(rows):
    """Return the curves of a history as `in_tensorboard` does."""
    found = {}
    for row in rows:
        for name, value in curves(row).items():
            found.setdefault(name, []).append((int(row["step"]), value))
    return found


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    for name, points in wanted.items():
        assert [step for step, _ in found[name]] == [step for step, _ in points], name
        np.testing.assert_allclose(
            [value for _, value in found[name]], [value for _, value in points], rtol=1e-5
        )


def test_a_training_is_in_tensorboard_and_mlflow_while_it_runs(dataset):
    weights, rows = trained(dataset, ["tensorboard", "mlflow"], health_images=8)
    assert len(rows) > 1
    scalars, images = in_tensorboard(dataset)
    assert_equal(scalars, expected(rows))
    assert "health/knn_top1" in scalars
    assert images == ["views"]
    client, (run,) = in_mlflow(dataset)
    assert (run.info.run_name, run.info.status) == (NAME, "FINISHED")
    assert run.data.params["hyperparameters.learning_rate"] == "0.002"
    history = client.get_metric_history(run.info.run_id, "train/loss")
    wanted = [(int(row["step"]), row["loss"]) for row in rows]
    assert [(metric.step, metric.value) for metric in history] == wanted
    assert [file.path for file in client.list_artifacts(run.info.run_id)] != []
    # the same weights as without, and no observer is left behind
    assert live_progress.OBSERVERS == []
    alone, _ = go(dataset, "alone", settings(steps=6, epochs=None, health_images=8))
    assert same(weights, alone)


def test_an_interrupted_training_continues_in_the_same_run(dataset):
    with pytest.raises(Interrupted):
        interrupted(dataset)
    client, (run,) = in_mlflow(dataset)
    assert run.info.status == "RUNNING"
    before = run.info.run_id
    _, rows = trained(dataset, ["tensorboard", "mlflow"])
    client, (run,) = in_mlflow(dataset)
    assert (run.info.run_id, run.info.status) == (before, "FINISHED")
    history = client.get_metric_history(before, "train/loss")
    assert [metric.step for metric in history] == [int(row["step"]) for row in rows]
    scalars, _ = in_tensorboard(dataset)
    assert [step for step, _ in scalars["train/loss"]] == [int(row["step"]) for row in rows]


def interrupted(dataset):
    """Pretrain with trackers, and stop after the first row of the history."""

    def stop(history):
        if history:
            raise Interrupted("stopped by the test")

    chosen = settings(steps=6, epochs=None)
    run = TrackedRun.of("mine", chosen.as_json())
    folder = study(dataset) / "trackers"
    with following(run, ["tensorboard", "mlflow"], folder, picture=lambda: None):
        live_progress.OBSERVERS.append(stop)
        try:
            go(dataset, f"results/mine/pretrain/{NAME}", chosen)
        finally:
            live_progress.OBSERVERS.remove(stop)


def test_a_finished_study_is_logged_afterwards_and_once(dataset):
    _, rows = trained(dataset, [])
    assert not (study(dataset) / "trackers").exists()
    for _ in range(2):
        logged = dict(log_study(study(dataset), ["tensorboard", "mlflow"], data=dataset))
        assert logged == {NAME: len(rows)}
    scalars, _ = in_tensorboard(dataset)
    assert_equal(scalars, expected(rows))
    client, (run,) = in_mlflow(dataset)
    assert len(client.get_metric_history(run.info.run_id, "train/loss")) == len(rows)


def test_another_setting_is_another_run(dataset):
    trained(dataset, ["tensorboard", "mlflow"])
    _, rows = trained(dataset, ["tensorboard", "mlflow"], learning_rate=0.004)
    assert_equal(in_tensorboard(dataset)[0], expected(rows))
    _, runs = in_mlflow(dataset)
    rates = {run.data.params["hyperparameters.learning_rate"] for run in runs}
    assert rates == {"0.002", "0.004"}


def test_a_tracker_that_fails_costs_a_warning_and_no_training(dataset, monkeypatch, caplog):
    class Broken(sinks.TensorBoard):
        def log(self, rows):
            raise ConnectionError("no such server")

    monkeypatch.setattr(sinks, "TRACKERS", {**sinks.TRACKERS, "tensorboard": Broken})
    monkeypatch.setattr("fourlenses.trackers.follow.TRACKERS", sinks.TRACKERS)
    _, rows = trained(dataset, ["tensorboard", "mlflow"])
    assert "tensorboard: ConnectionError (no such server); the run continues" in caplog.text
    client, (run,) = in_mlflow(dataset)
    assert len(client.get_metric_history(run.info.run_id, "train/loss")) == len(rows)


def test_unknown_and_missing_trackers_are_a_sentence(monkeypatch):
    with pytest.raises(UserError, match="neptune"):
        check_trackers(["neptune"])
    monkeypatch.setattr("fourlenses.trackers.follow.find_spec", lambda name: None)
    with pytest.raises(UserError, match="make setup EXTRAS=wandb, or take it out"):
        check_trackers(["wandb"])


def test_a_study_without_histories_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="has no finished pretraining with a history"):
        list(log_study(tmp_path, ["tensorboard"], data=tmp_path))


def test_nothing_is_sent_and_wandb_is_offline(dataset):
    """In a network of its own, in which only this machine can be reached."""
    unshare = shutil.which("unshare")
    alone = [unshare, "-n", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"]
    if not unshare or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    _, rows = trained(dataset, [])
    program = ROOT / "workflow_scripts" / "log_to_trackers.py"
    options = ["--results", study(dataset), "--to", "tensorboard", "mlflow", "wandb"]
    done = subprocess.run(
        [*alone, sys.executable, program, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        cwd=dataset,
    )
    assert done.returncode == 0, done.stderr
    assert f"{NAME}: {len(rows)} rows" in done.stdout
    assert "continues without it" not in done.stderr
    folder = study(dataset) / "trackers"
    assert list(folder.glob("wandb/offline-run-*/run-*.wandb"))
    sent = read_json(folder / "sent" / NAME / "wandb.json")
    assert sent["step"] == int(rows[-1]["step"])
    assert in_mlflow(dataset)[1][0].info.run_name == NAME


def test_more_settings_than_mlflow_takes_at_a_time(dataset):
    settings = {"method": "simclr", "source": "a-1", "seed": 0}
    settings |= {"recipes": {f"key{number}": number for number in range(250)}}
    follower = Follower(
        TrackedRun.of("mine", settings),
        ["mlflow"],
        study(dataset) / "trackers",
        picture=lambda: None,
    )
    follower([{"step": 1, "loss": 2.0}])
    follower.close(finished=True)
    _, (run,) = in_mlflow(dataset)
    assert run.data.params["recipes.key249"] == "249"
    assert len(run.data.params) == 253


def test_a_damaged_note_of_what_was_sent_begins_again(tmp_path):
    run = TrackedRun.of("mine", {"method": "simclr", "source": "a-1", "seed": 0})
    follower = Follower(run, ["tensorboard"], tmp_path, picture=lambda: None)
    follower([{"step": 1, "loss": 2.0}])
    follower.close(finished=True)
    file = tmp_path / "sent" / run.name / "tensorboard.json"
    assert json.loads(file.read_text())["step"] == 1
    file.write_text("{")
    again = Follower(run, ["tensorboard"], tmp_path, picture=lambda: None)
    again([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    again.close(finished=True)
    assert json.loads(file.read_text())["step"] == 2

"""Faults injected into training on a real SLURM.

In the end the encoder has the bytes it would have had, or a message says what to do.
"""

import filecmp
import json
import os
import re
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from fourlenses.resume.result_cache import FOLDER
from tests.slurm.cluster import Head, Study, wait_until
from tests.slurm.training import ENCODER, LOG, RUN, files, held, resumed_steps, slowed

pytestmark = pytest.mark.slurm


def assert_undisturbed(study: Study) -> None:
    assert filecmp.cmp(
        study.folder / ENCODER, study.folder / "undisturbed/encoder.safetensors", shallow=False
    )
    assert [file.name for file in files(study, "*")] == [FOLDER]


def assert_completes(study: Study, head: Head, resumed: bool = True) -> None:
    assert head.end() == 0, head.output()
    assert bool(resumed_steps(study)) == resumed
    assert_undisturbed(study)


def change(study: Study, **training: object) -> None:
    config = yaml.safe_load(study.config.read_text())
    config["training"].update(training)
    study.config.write_text(yaml.safe_dump(config))


def test_a_job_asks_for_what_the_rule_says_and_knows_its_wall_limit(study):
    head = study.start(ENCODER)
    training = held(study)
    known = study.cluster.job(training.job)
    command = Path(f"/proc/{training.pid}/cmdline").read_text().split("\0")
    assert command[command.index("--max-minutes") + 1] == "720"
    assert {
        key: known[key]
        for key in ("Partition", "TimeLimit", "MinMemoryNode", "NumCPUs", "TresPerJob")
    } == {
        "Partition": "gpu",
        "TimeLimit": "12:00:00",
        "MinMemoryNode": "48000M",
        "NumCPUs": "8",
        "TresPerJob": "gres:gpu:fake:1",
    }
    training.go_on()
    assert_completes(study, head, resumed=False)


def test_a_training_of_two_processes_asks_for_two_gpus(study):
    change(study, processes=2)
    head = study.start(ENCODER, retries=0)
    training = held(study)
    known = study.cluster.job(training.job)
    assert {key: known[key] for key in ("NumNodes", "MinMemoryNode", "NumCPUs", "TresPerJob")} == {
        "NumNodes": "1",
        "MinMemoryNode": "72000M",
        "NumCPUs": "16",
        "TresPerJob": "gres:gpu:fake:2",
    }
    visible = dict(
        line.partition("=")[::2]
        for line in Path(f"/proc/{training.pid}/environ").read_text().split("\0")
    )
    assert visible["CUDA_VISIBLE_DEVICES"] == "0,1"
    training.go_on()
    assert head.end() == 0, head.output()
    assert json.loads((study.folder / RUN / "run.json").read_text())["effective"]["processes"] == 2


def test_a_time_limit_in_the_middle_of_training(study):
    head = study.start(ENCODER)
    training = held(study)
    soon = datetime.now() + timedelta(seconds=2)
    study.cluster.run(
        "scontrol", "update", f"jobid={training.job}", f"EndTime={soon:%Y-%m-%dT%H:%M:%S}"
    )
    study.cluster.await_state(training.job, "TIMEOUT")
    assert_completes(study, head)
    assert len(study.jobs("pretrain")) == 2


def test_a_cancelled_job_is_submitted_again(study):
    head = study.start(ENCODER)
    training = held(study)
    study.cluster.run("scancel", str(training.job))
    assert_completes(study, head)
    assert study.cluster.job(training.job)["JobState"] == "CANCELLED"
    assert len(study.jobs("pretrain")) == 2


def test_a_requeued_job_keeps_its_number(study):
    head = study.start(ENCODER, retries=0)
    training = held(study)
    study.cluster.run("scontrol", "requeue", str(training.job))
    assert_completes(study, head)
    assert study.cluster.job(training.job)["Restarts"] == "1"


def test_a_node_that_is_set_down(study):
    head = study.start(ENCODER)
    training = held(study)
    study.cluster.run("scontrol", "update", "nodename=node1", "state=down", "reason=test")
    wait_until(
        lambda: study.cluster.job(training.job)["JobState"] != "RUNNING",
        "the job was taken from the node",
    )
    wait_until(training.ended, "its process was ended")
    study.cluster.script("start")  # and back again
    assert_completes(study, head)


def test_a_killed_slurmd_does_not_stop_the_job(study):
    head = study.start(ENCODER)
    training = held(study)
    os.kill(study.cluster.slurmd("node1"), signal.SIGKILL)
    study.cluster.script("start")  # as systemd would
    training.go_on()
    assert_completes(study, head, resumed=False)
    assert study.jobs("pretrain") == [training.job]
    assert study.cluster.job(training.job)["Restarts"] == "0"


@pytest.mark.parametrize("partition", ["low", "grace"])
def test_preemption(study, partition):
    head = study.start(ENCODER, environment={"FOURLENSES_GPU_PARTITION": partition})
    training = held(study)
    # all GPUs, for a job of a partition that goes first
    study.cluster.run(
        "sbatch", "-p", "gpu", "--gpus=fake:2", "-t", "1", "-o", "/dev/null", "--wrap", "true"
    )
    wait_until(
        lambda: study.cluster.job(training.job)["JobState"] != "RUNNING", "the job had to go"
    )
    assert_completes(study, head)
    known = study.cluster.job(training.job)
    if partition == "low":
        assert known["Restarts"] == "1"
    else:
        # SIGTERM is the notice, and the job ends by it before SLURM would requeue it: one of its
        # retries continues
        assert known["JobState"] == "FAILED"
        assert "after SIGTERM" in head.output()


def test_the_notice_before_a_time_limit(study):
    """`sbatch --signal=USR1@60` has SLURM send it to every process of the job's step."""
    head = study.start(ENCODER)
    training = held(study)
    study.cluster.run("scancel", "--signal=USR1", str(training.job))
    training.go_on()
    assert_completes(study, head)
    assert study.cluster.job(training.job)["JobState"] == "FAILED"
    assert "after SIGUSR1" in head.output()


def test_a_killed_head_that_is_restarted_does_not_train_twice_at_a_time(study):
    head = study.start(ENCODER)
    training = held(study)
    with slowed(training):
        head.kill()
        refused = study.start(ENCODER)
        assert refused.end() != 0
        assert "--unlock" in refused.output()
        assert study.start(ENCODER, "--unlock").end() == 0
        second = study.start(ENCODER, retries=8)
        process = f"process {training.pid} on host [^ ]+ .SLURM job {training.job}."
        named = f"is being trained into by {process}"
        wait_until(
            lambda: re.search(named, second.output()),
            "the second job was refused, and the first named",
        )
        assert not training.ended()
    assert second.end() == 0, second.output()
    assert_undisturbed(study)
    assert study.cluster.job(training.job)["JobState"] == "COMPLETED"


def test_two_heads_on_one_study(study):
    head = study.start(ENCODER)
    training = held(study)
    other = study.start(ENCODER)
    assert other.end() != 0
    assert "locked" in other.output()
    training.go_on()
    assert_completes(study, head, resumed=False)
    assert study.jobs("pretrain") == [training.job]


def test_a_corrupt_checkpoint_is_skipped(study):
    head = study.start(ENCODER)
    training = held(study, checkpoints=2)
    *_, older, newest = files(study, "step*.pt")
    newest.write_bytes(newest.read_bytes()[:1000])
    os.kill(training.pid, signal.SIGKILL)
    assert_completes(study, head)
    assert f"{newest.name} cannot be used" in (study.folder / LOG).read_text()
    assert resumed_steps(study) == [int(older.name[4:13])]


def test_a_job_that_always_fails_is_bounded_and_named_while_the_rest_continues(study):
    config = yaml.safe_load(study.config.read_text())
    config["methods"]["simclr_broken"] = {**config["methods"]["simclr"], "learning_rate": 1e30}
    config["quantity"]["methods"] = ["simclr", "simclr_broken"]
    study.config.write_text(yaml.safe_dump(config))
    broken = ENCODER.replace("simclr", "simclr_broken")
    head = study.start(ENCODER, broken, retries=3)
    assert head.end() != 0
    assert_undisturbed(study)
    assert len(study.jobs("pretrain")) == 1 + 4
    output = head.output()
    assert "lower 'learning_rate'" in output
    assert (
        "the last 3 attempts all started from step 0" in output
    )  # what the last one ended with, at once
    assert "simclr_broken" in output[-4000:]

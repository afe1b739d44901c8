"""Trainings longer than their jobs, on a real SLURM: they go on slot by slot, to the bytes of a training that nothing interrupted."""

import filecmp

import pytest
import yaml

from tests.slurm.cluster import Study, wait_until
from tests.slurm.training import ENCODER, Training, files, held, resumed_steps

pytestmark = pytest.mark.slurm
SLOT_MINUTES = 0.5  # a tenth of it is kept for the last checkpoint


def sliced(study: Study, **training: object) -> None:
    config = yaml.safe_load(study.config.read_text())
    config["training"].update(max_minutes=SLOT_MINUTES, **training)
    study.config.write_text(yaml.safe_dump(config))


def spend_slot(training: Training) -> None:
    """Let a held training go on when its time is over: it takes a checkpoint after its next step, however fast the machine is."""
    wait_until(lambda: training.age() > 60 * SLOT_MINUTES - 2, "its slot is nearly over")
    training.go_on()
    wait_until(training.ended, "its slot is over")


def step(study: Study) -> int:
    return int(files(study, "step*.pt")[-1].name[4:13])


def assert_done(study: Study) -> None:
    assert filecmp.cmp(study.folder / ENCODER, study.folder / "undisturbed/encoder.safetensors", shallow=False)
    assert not files(study, "*")


def test_a_training_of_several_slots_is_one_job_without_retries(study):
    sliced(study)
    head = study.start(ENCODER, retries=0)
    stopped = []
    for restarts in range(3):
        training = held(study)
        assert study.cluster.job(training.job)["Restarts"] == str(restarts)
        spend_slot(training)
        stopped.append(step(study))
    assert head.end() == 0, head.said()
    assert sorted(set(stopped)) == stopped  # each slot got further
    assert resumed_steps(study)[-1] >= stopped[-1]
    assert_done(study)
    assert study.jobs("pretrain") == [training.job]
    assert int(study.cluster.job(training.job)["Restarts"]) >= 3
    assert study.cluster.job(training.job)["JobState"] == "COMPLETED"


def test_where_slurm_refuses_a_slot_costs_a_retry(study):
    sliced(study)
    head = study.start(ENCODER, retries=12)
    training = held(study)
    study.cluster.run("scontrol", "update", f"jobid={training.job}", "requeue=0")
    spend_slot(training)
    study.cluster.await_state(training.job, "FAILED")  # exit code 75
    stopped = step(study)
    assert head.end() == 0, head.said()
    assert resumed_steps(study)[-1] >= stopped
    assert_done(study)
    assert "before the wall limit of 0.5 minutes" in head.said()
    assert "this job is not requeued: scontrol refused (Requested operation is presently disabled" in head.said()
    assert study.cluster.job(training.job)["Restarts"] == "0"
    assert study.cluster.job(study.jobs("pretrain")[-1])["JobState"] == "COMPLETED"


def test_the_config_can_say_not_to_requeue(study):
    sliced(study, requeue=False)
    head = study.start(ENCODER, retries=0)
    training = held(study)
    spend_slot(training)
    assert head.end() != 0
    assert study.cluster.job(training.job)["Restarts"] == "0"
    assert study.cluster.job(training.job)["JobState"] == "FAILED"
    assert "is not requeued" not in head.said()


def test_the_chain_goes_on_without_a_head(study):
    sliced(study)
    head = study.start(ENCODER, retries=0)
    training = held(study)
    wait_until(lambda: training.age() > 60 * SLOT_MINUTES - 2, "its slot is nearly over")
    training.go_on()
    study.cluster.await_state(training.job, "PENDING")  # between two slots
    head.kill()
    wait_until(lambda: study.cluster.job(training.job)["JobState"] == "COMPLETED", "it was trained to the end")
    assert_done(study)
    assert int(study.cluster.job(training.job)["Restarts"]) >= 1
    assert study.start(ENCODER, "--unlock").end() == 0
    later = study.start(ENCODER, retries=0)
    assert later.end() == 0, later.said()
    assert study.jobs("pretrain") == [training.job]  # what it made is accepted


def test_what_is_cancelled_at_the_end_of_its_slot_stays_so(study):
    sliced(study)
    head = study.start(ENCODER, retries=0)
    training = held(study)
    wait_until(lambda: training.age() > 60 * SLOT_MINUTES, "its time is over")  # when it goes on it finds both: no time, and a signal
    study.cluster.run("scancel", str(training.job))
    study.cluster.await_state(training.job, "CANCELLED")
    training.go_on()
    wait_until(training.ended, "its process was ended")
    assert head.end() != 0
    assert study.cluster.job(training.job)["Restarts"] == "0"
    assert study.cluster.job(training.job)["JobState"] == "CANCELLED"


def test_a_group_of_trainings_is_never_requeued(study):
    sliced(study)
    config = yaml.safe_load(study.config.read_text())
    config["seeds"] = [0, 1]
    study.config.write_text(yaml.safe_dump(config))
    packed = ["--groups", "pretrain=trainings", "--group-components", "trainings=2"]
    head = study.start(ENCODER, ENCODER.replace("seed0", "seed1"), *packed, retries=0)
    training = held(study)
    spend_slot(training)
    assert head.end() != 0
    assert study.cluster.job(training.job)["Restarts"] == "0"
    assert "is not requeued" not in head.said()  # it did not ask


def test_two_processes_are_requeued_by_the_first(study):
    sliced(study, processes=2)
    head = study.start(ENCODER, retries=0)
    training = held(study)
    spend_slot(training)
    assert head.end() == 0, head.said()
    assert resumed_steps(study)
    assert int(study.cluster.job(training.job)["Restarts"]) >= 1
    assert study.jobs("pretrain") == [training.job]
    assert not files(study, "*")

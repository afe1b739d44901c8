"""Trainings longer than their jobs, on a real SLURM.

They continue slot by slot, to the bytes of a training that nothing interrupted.
"""

import json

import pytest
import yaml

from fourlenses.resume.result_cache import FOLDER
from tests.slurm.cluster import Study, wait_until
from tests.slurm.test_faults import assert_undisturbed
from tests.slurm.training import ENCODER, files, held, resumed_steps

pytestmark = pytest.mark.slurm


def slots(study: Study, minutes: float = 0.01, **training: object) -> None:
    """Set their length from the next job on, which reads the config again.

    So short, each has time for one step, on any machine.
    """
    config = yaml.safe_load(study.config.read_text())
    config["training"].update(max_minutes=minutes, **training)
    study.config.write_text(yaml.safe_dump(config))


def attempts(study: Study) -> list[dict]:
    (file,) = files(study, "restarts.json")
    return json.loads(file.read_text())


def await_job(study: Study) -> int:
    return wait_until(lambda: study.jobs("pretrain"), "the training was submitted")[0]


def await_restarts(study: Study, job: int, least: int, state: str = "") -> None:
    def happened() -> bool:
        known = study.cluster.job(job)
        return int(known["Restarts"]) >= least and state in known["JobState"]

    wait_until(happened, f"job {job} was requeued {least} times and is {state}")


def test_a_training_of_several_slots_is_one_job_without_retries(study):
    slots(study)
    head = study.start(ENCODER, retries=0)
    job = await_job(study)
    await_restarts(study, job, 3)
    known = attempts(study)
    slots(study, 60)  # time for all the rest
    assert [entry["from"] for entry in known[:3]] == ["step 0", "step 1", "step 2"]
    assert all("before the wall limit of 0.01 minutes" in entry["ended"] for entry in known[:3])
    assert {entry["slurm_job_id"] for entry in known} == {str(job)}
    assert head.end() == 0, head.output()
    assert resumed_steps(study)[-1] >= 3
    assert_undisturbed(study)
    assert study.jobs("pretrain") == [job]
    assert study.cluster.job(job)["JobState"] == "COMPLETED"


def test_two_processes_are_requeued_by_the_first(study):
    slots(study, processes=2)
    head = study.start(ENCODER, retries=0)
    job = await_job(study)
    await_restarts(study, job, 1)
    slots(study, 60)
    assert head.end() == 0, head.output()
    assert resumed_steps(study)
    assert study.jobs("pretrain") == [job]
    assert [file.name for file in files(study, "*")] == [FOLDER]


def test_where_slurm_refuses_a_slot_costs_a_retry(study):
    slots(study)
    head = study.start(ENCODER, retries=1)
    job = await_job(study)
    study.cluster.run("scontrol", "update", f"jobid={job}", "requeue=0")
    study.cluster.await_state(job, "FAILED")  # exit code 75
    slots(study, 60)  # read by the second job, which the head submits some seconds later
    assert head.end() == 0, head.output()
    assert resumed_steps(study)
    assert_undisturbed(study)
    assert "before the wall limit of 0.01 minutes" in head.output()
    assert (
        "this job is not requeued: scontrol refused (Requested operation is presently disabled"
        in head.output()
    )
    assert study.cluster.job(job)["Restarts"] == "0"
    assert len(study.jobs("pretrain")) == 2


def test_the_config_can_say_not_to_requeue(study):
    slots(study, requeue=False)
    head = study.start(ENCODER, retries=0)
    assert head.end() != 0
    (job,) = study.jobs("pretrain")
    assert study.cluster.job(job)["Restarts"] == "0"
    assert study.cluster.job(job)["JobState"] == "FAILED"
    assert "is not requeued" not in head.output()
    assert "before the wall limit of 0.01 minutes" in head.output()


def test_the_chain_continues_without_a_head(study):
    slots(study)
    head = study.start(ENCODER, retries=0)
    job = await_job(study)
    await_restarts(study, job, 1, "PENDING")  # between two slots
    head.kill()
    await_restarts(study, job, 2)
    slots(study, 60)
    study.cluster.await_state(job, "COMPLETED")
    assert_undisturbed(study)
    assert study.start(ENCODER, "--unlock").end() == 0
    later = study.start(ENCODER, retries=0)
    assert later.end() == 0, later.output()
    assert study.jobs("pretrain") == [job]  # what it made is accepted


def test_what_is_cancelled_at_the_end_of_its_slot_stays_so(study):
    slots(study)
    head = study.start(ENCODER, retries=0)
    await_restarts(study, await_job(study), 1)
    training = held(
        study
    )  # at the beginning of its second slot: when it continues its time is over, and a signal waits
    study.cluster.run("scancel", str(training.job))
    study.cluster.await_state(training.job, "CANCELLED")
    training.go_on()
    wait_until(training.ended, "its process was ended")
    assert head.end() != 0
    assert study.cluster.job(training.job)["Restarts"] == "1"
    assert study.cluster.job(training.job)["JobState"] == "CANCELLED"


def test_a_group_of_trainings_is_never_requeued(study):
    slots(study)
    config = yaml.safe_load(study.config.read_text())
    config["seeds"] = [0, 1]
    study.config.write_text(yaml.safe_dump(config))
    packed = ["--groups", "pretrain=trainings", "--group-components", "trainings=2"]
    head = study.start(ENCODER, ENCODER.replace("seed0", "seed1"), *packed, retries=0)
    assert head.end() != 0
    (job,) = study.jobs("trainings")  # Snakemake calls it so
    assert study.cluster.job(job)["Restarts"] == "0"
    assert study.cluster.job(job)["JobState"] == "FAILED"
    assert "before the wall limit of 0.01 minutes" in head.output()
    assert "is not requeued" not in head.output()  # it did not ask

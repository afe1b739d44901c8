"""A cluster with accounting, as profiles/slurm is for: states of jobs by sacct, and accounts."""

import os
import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, Head, Study, wait_until
from tests.slurm.conftest import BASE_PORT, copy_of
from tests.slurm.test_faults import assert_completes
from tests.slurm.training import ENCODER, held

pytestmark = pytest.mark.slurm
PATIENCE = 20  # seconds, instead of minutes
ACCOUNT = "testproject"


@pytest.fixture(scope="module")
def accounting():
    with tempfile.TemporaryDirectory(prefix="fourlenses-slurm-") as folder:
        cluster = Cluster(Path(folder), BASE_PORT + 120)
        cluster.environment |= {
            "SLURM_TEST_ACCOUNTING": "1",
            "FOURLENSES_ACCOUNT": ACCOUNT,
            "FOURLENSES_PATIENCE_SECONDS": str(PATIENCE),
        }
        cluster.script("start")
        yield cluster
        cluster.script("stop")


@pytest.fixture
def study(accounting, prepared, tmp_path):
    accounting.script("start")
    study = copy_of(prepared, accounting, tmp_path / "study")
    yield study
    study.close()


def start(study: Study, **options) -> Head:
    return study.start(ENCODER, profiles=("slurm",), **options)


def accounted(study: Study, job: int) -> dict[str, str]:
    """What accounting holds of a job: the newest of its records, if it was requeued."""
    names = ("State", "Account", "TotalCPU", "ReqTRES", "ElapsedRaw")
    line = study.cluster.run("sacct", "-nPX", "-j", str(job), f"--format={','.join(names)}").strip()
    return dict(zip(names, line.split("|"), strict=True))


def preempt(study: Study, job: int) -> None:
    """By a job that wants all GPUs, in a partition that goes first."""
    study.cluster.run(
        "sbatch",
        "-A",
        ACCOUNT,
        "-p",
        "gpu",
        "--gpus=fake:2",
        "-t",
        "1",
        "-o",
        "/dev/null",
        "--wrap",
        "true",
    )
    wait_until(lambda: study.cluster.job(job)["JobState"] != "RUNNING", "the job had to go")


def test_a_job_is_charged_to_the_account(study):
    head = start(study)
    training = held(study)
    assert study.cluster.job(training.job)["Account"] == ACCOUNT
    training.go_on()
    assert_completes(study, head, resumed=False)
    wait_until(
        lambda: accounted(study, training.job)["State"] == "COMPLETED", "accounting has its end"
    )
    known = accounted(study, training.job)
    assert known["Account"] == ACCOUNT
    assert "gres/gpu=1" in known["ReqTRES"]


def test_a_cancelled_job_is_noticed(study):
    head = start(study)
    training = held(study)
    study.cluster.run("scancel", str(training.job))
    assert_completes(study, head)
    assert accounted(study, training.job)["State"] == f"CANCELLED by {os.getuid()}"
    assert (
        head.output().count(
            f"SLURM job {training.job} was cancelled (CANCELLED by {os.getuid()}, a user id)"
        )
        == 1
    )
    assert len(study.jobs("pretrain")) == 2


def test_a_job_preempted_for_good_is_noticed(study):
    head = start(study, environment={"FOURLENSES_GPU_PARTITION": "cancel"})
    training = held(study)
    preempt(study, training.job)
    assert_completes(study, head)
    assert accounted(study, training.job)["State"] == "PREEMPTED"
    assert f"SLURM job {training.job} was preempted and not requeued" in head.output()
    assert len(study.jobs("pretrain")) == 2


def test_a_preempted_job_that_is_requeued_is_left_to_slurm(study):
    head = start(study, retries=0, environment={"FOURLENSES_GPU_PARTITION": "low"})
    training = held(study)
    preempt(study, training.job)
    assert_completes(study, head)
    assert study.cluster.job(training.job)["Restarts"] == "1"


def test_a_time_limit(study):
    head = start(study)
    training = held(study)
    soon = datetime.now() + timedelta(seconds=2)
    study.cluster.run(
        "scontrol", "update", f"jobid={training.job}", f"EndTime={soon:%Y-%m-%dT%H:%M:%S}"
    )
    assert_completes(study, head)
    assert accounted(study, training.job)["State"] == "TIMEOUT"


def test_a_node_that_is_set_down(study):
    head = start(study)
    training = held(study)
    study.cluster.run("scontrol", "update", "nodename=node1", "state=down", "reason=test")
    wait_until(training.ended, "its process was ended")
    study.cluster.script("start")  # and back again
    assert_completes(study, head)


def test_a_wrong_account(study):
    head = start(study, environment={"FOURLENSES_ACCOUNT": "nobodys"})
    assert head.end() != 0
    output = head.output()
    assert re.search(rf"slurm_account.*\$FOURLENSES_ACCOUNT.*nobodys.*\n.*{ACCOUNT}", output)
    assert "Pretraining simclr" not in output  # not even tried
    assert not study.jobs()

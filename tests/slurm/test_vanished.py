"""Jobs that end while the head sleeps, and that the scheduler has forgotten when it wakes.

A head sleeps so on a suspended login node.
"""

import re
import signal

import pytest

from tests.slurm.cluster import Cluster, wait_until
from tests.slurm.test_faults import assert_completes
from tests.slurm.training import ENCODER, held

pytestmark = pytest.mark.slurm


def remember_jobs_for(cluster: Cluster, seconds: int) -> None:
    file = cluster.folder / "etc/slurm.conf"
    file.write_text(
        re.sub(r"^MinJobAge=\d+$", f"MinJobAge={seconds}", file.read_text(), flags=re.MULTILINE)
    )
    cluster.run("scontrol", "reconfigure")


@pytest.mark.parametrize("end", ["completed", "cancelled"])
def test_a_job_that_is_not_known_any_more(study, end):
    head = study.start(ENCODER, environment={"FOURLENSES_PATIENCE_SECONDS": "15"})
    training = held(study)
    head.process.send_signal(signal.SIGSTOP)
    remember_jobs_for(study.cluster, 5)
    try:
        if end == "cancelled":
            study.cluster.run("scancel", str(training.job))
        training.go_on()
        wait_until(
            lambda: training.job not in study.cluster.jobs(), "the scheduler has forgotten the job"
        )
    finally:
        remember_jobs_for(study.cluster, 86400)
    head.process.send_signal(signal.SIGCONT)
    assert_completes(study, head, resumed=end == "cancelled")
    assert f"SLURM job {training.job} has been unknown to the scheduler for" in head.output()
    assert (
        head.output().count("has been submitted with SLURM jobid")
        == {"completed": 1, "cancelled": 2}[end]
    )

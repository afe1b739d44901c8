"""Results that outlive the removal of a job's outputs, on a real SLURM.

By a head that submits a finished job again, and by an orphan.
"""

import contextlib
import os
import signal
from pathlib import Path

import pytest

from fourlenses.core.machine.processes import is_dead
from tests.slurm.cluster import Cluster, Study, wait_until
from tests.slurm.test_faults import assert_completes, assert_undisturbed
from tests.slurm.training import ENCODER, LOG, RUN, held

pytestmark = pytest.mark.slurm
ON_ANY_NODE = (
    "--set-resources",
    "pretrain:slurm_partition=cpu",
    "pretrain:runtime=720",
)  # no GPU, which node1 alone has
FINISHED_BEFORE = "this training has finished before"


def outputs(study: Study) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (study.folder / RUN).iterdir()}


def processes_of(cluster: Cluster, job: int) -> dict[str, list[tuple[int, int]]]:
    """The processes of a job, as (pid, start in clock ticks).

    Its Snakemakes (one that calls srun, one that srun calls), and SLURM's own process of each step.
    """
    processes = {"snakemake": [], "slurmstepd": []}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (folder / "environ").read_bytes()
            if str(cluster.folder).encode() not in environment:
                continue  # other clusters on this machine have a job of this number too
            process = (
                int(folder.name),
                int((folder / "stat").read_text().rpartition(")")[2].split()[19]),
            )
            if command.startswith(f"slurmstepd: [{job}."):
                processes["slurmstepd"].append(process)
            elif (
                " -m snakemake " in command
                and f"SLURM_JOB_ID={job}".encode() in environment.split(b"\0")
            ):
                processes["snakemake"].append(process)
    return processes


def test_a_second_job_that_starts_after_the_first_has_finished_trains_nothing(study):
    """A head that was restarted while the first job trained submitted it; it waited for a GPU."""
    head = study.start(ENCODER)
    training = held(study)
    head.kill()
    takes_a_gpu = [
        "sbatch",
        "--parsable",
        "-p",
        "gpu",
        "--gpus=fake:1",
        "-t",
        "60",
        "-o",
        "/dev/null",
        "--wrap",
        "sleep 3600",
    ]
    other = study.cluster.run(*takes_a_gpu).strip()
    assert study.start(ENCODER, "--unlock").end() == 0
    head = study.start(ENCODER, retries=0)
    _, second = wait_until(
        lambda: (jobs := study.jobs("pretrain"))[1:] and jobs, "the new head has submitted it again"
    )
    study.cluster.run("scontrol", "hold", str(second))
    training.go_on()
    study.cluster.await_state(training.job, "COMPLETED")
    assert study.cluster.job(second)["JobState"] == "PENDING"
    made = outputs(study)
    study.cluster.run("scancel", other)
    study.cluster.run("scontrol", "release", str(second))
    assert_completes(study, head, resumed=False)
    assert study.cluster.job(second)["JobState"] == "COMPLETED"
    assert outputs(study) == made  # run.json with its wall time too
    log = (study.folder / LOG).read_text()
    assert FINISHED_BEFORE in log
    assert "peak learning rate" not in log  # what every training begins with


def test_an_orphan_on_a_lost_node_does_not_undo_what_another_job_finished(study):
    head = study.start(ENCODER, *ON_ANY_NODE, retries=0)
    orphan = held(study)
    parts = processes_of(study.cluster, orphan.job)
    assert len(parts["snakemake"]) >= 2
    node = study.cluster.job(orphan.job)["BatchHost"]
    os.kill(study.cluster.slurmd(node), signal.SIGKILL)  # cut off: nobody there ends what runs
    study.cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    assert_completes(study, head)
    known = study.cluster.job(orphan.job)
    assert (known["Restarts"], known["JobState"]) == ("1", "COMPLETED")
    assert known["BatchHost"] != node
    made = outputs(study)
    assert not orphan.ended()
    orphan.go_on()
    wait_until(orphan.ended, "the orphan has ended")
    wait_until(
        lambda: all(is_dead(*process) for process in parts["snakemake"]),
        "so have the Snakemakes that had started it",
    )
    assert outputs(study) == made
    assert_undisturbed(study)
    for process in parts["slurmstepd"]:  # their slurmd is gone, so nobody else ends them
        if not is_dead(*process):
            os.kill(process[0], signal.SIGKILL)

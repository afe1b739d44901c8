"""A head that was started inside an interactive allocation, of one CPU and one GPU."""

import os

import pytest

from tests.slurm.cluster import Head
from tests.slurm.training import ENCODER, held

pytestmark = pytest.mark.slurm


def test_jobs_have_their_own_demands(study):
    command = study.command(ENCODER, "--jobs", 2, "--slurm-init-seconds-before-status-checks", 1)
    outer = ["-p", "gpu", "-n", "1", "-c", "1", "--mem", "900", "--gpus", "fake:1"]
    allocated = [f"{study.cluster.folder}/bin/srun", *outer, *command]
    head = Head(allocated, study.cluster.environment, study.folder / "allocated.log")
    study.heads.append(head)
    training = held(study)
    known = study.cluster.job(training.job)
    assert {key: known[key] for key in ("MinMemoryNode", "NumCPUs", "TresPerJob")} == {
        "MinMemoryNode": "48000M",
        "NumCPUs": "8",
        "TresPerJob": "gres:gpu:fake:1",
    }
    with open(f"/proc/{training.pid}/cmdline") as file:
        words = file.read().split("\0")
    # the job's own, as far as this machine has them
    assert int(words[words.index("--workers") + 1]) == min(8, len(os.sched_getaffinity(0)))
    training.go_on()
    assert head.end() == 0, head.said()

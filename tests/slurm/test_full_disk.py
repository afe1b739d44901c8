"""A results file system that fills up while a job trains."""

import contextlib
import os
import subprocess

import pytest

from fourlenses.resume.result_cache import FOLDER
from tests.slurm.test_faults import assert_completes
from tests.slurm.training import ENCODER, RUN, files, held

pytestmark = pytest.mark.slurm
MIB = 20  # of the file system: a few checkpoints


@pytest.fixture
def disk(study):
    """results/ of the study, on a small separate file system."""
    results = study.folder / "results"
    results.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MIB}m", "tmpfs", results], check=True)
    yield results
    study.close()  # first what has files open there
    subprocess.run(["umount", results], check=True)


def fill(file) -> None:
    """Take all the room there is; what jobs give back meanwhile too."""
    with open(file, "wb") as opened, contextlib.suppress(OSError):
        while True:
            os.posix_fallocate(opened.fileno(), os.fstat(opened.fileno()).st_size, 4096)


def test_a_full_results_file_system_is_named_and_costs_only_what_came_after_the_last_checkpoint(
    study, disk
):
    head = study.start(ENCODER, retries=1)
    training = held(study)
    before = files(study, "step*.pt")
    fill(disk / "others")
    training.go_on()
    assert head.end() != 0
    output = head.output()
    assert f"No space left on device; make room on the file system at {disk} (" in output
    assert f"{FOLDER}/encoder.safetensors" in output
    assert [study.cluster.job(job)["JobState"] for job in study.jobs("pretrain")] == ["FAILED"] * 2
    # nothing half-written: no result, and of the checkpoints those that were there
    assert not list(study.folder.glob(f"{RUN}/*"))
    assert [file.name for file in files(study, "*.pt")] == [file.name for file in before]
    assert not files(study, FOLDER)
    assert not files(study, ".*.part")
    (disk / "others").unlink()
    assert_completes(study, study.start(ENCODER))

"""Jobs that may have their SLURM job requeued, with Snakemake as it runs inside a SLURM job."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAY = """
rule say:
    output: "said/{word}"
    shell: 'printf "%s" "$FOURLENSES_REQUEUE" > {output}'
"""
# as the executor starts it; that Snakemake starts one more for each job, through srun
IN_A_JOB = [
    "--executor",
    "slurm-jobstep",
    "--jobs",
    "1",
    "--mode",
    "remote",
    "--allowed-rules",
    "say",
    "--nolock",
    "--target-jobs",
]
SRUN = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
echo "$@" >> "$STEPS"
exec "$@"
"""


@pytest.fixture
def project(tmp_path) -> Path:
    """This project with one more rule."""
    for entry in ROOT.iterdir():
        if entry.name not in ("Snakefile", "data", "results") and not entry.name.startswith("."):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "Snakefile").write_text((ROOT / "Snakefile").read_text() + SAY)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/srun").write_text(SRUN)
    (tmp_path / "bin/srun").chmod(0o755)
    return tmp_path


def answers(project: Path, words: list[str], *arguments: str, job: str | None = "5") -> list[str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SLURM_", "PYTEST", "FOURLENSES_"))
    }
    environment |= {"PATH": f"{project}/bin:{environment['PATH']}", "STEPS": str(project / "steps")}
    if job:
        environment["SLURM_JOB_ID"] = job
    command = [
        Path(sys.executable).with_name("snakemake"),
        "--cores",
        "1",
        "--directory",
        project / "work",
        *arguments,
    ]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [(project / "work/said" / word).read_text() for word in words]


def test_only_a_slurm_job_of_one_job_may_be_requeued(project):
    assert answers(project, ["alone"], *IN_A_JOB, "say:word=alone") == ["yes"]
    assert answers(
        project,
        ["first", "second"],
        *IN_A_JOB,
        "say:word=first",
        "say:word=second",
        "--local-groupid",
        "g",
    ) == ["", ""]
    steps = (project / "steps").read_text().splitlines()
    assert (
        ["say:word=first" in step for step in steps].count(True)
        == ["say:word=second" in step for step in steps].count(True)
        == 1
    )
    assert answers(project, ["elsewhere"], *IN_A_JOB, "say:word=elsewhere", job=None) == [""]
    assert answers(project, ["head"], "said/head") == [
        ""
    ]  # in an interactive allocation, whose job is the user's


def test_the_config_says_no(project):
    (project / "never.yaml").write_text("training: {requeue: false}\n")
    assert answers(
        project, ["never"], "--configfile", str(project / "never.yaml"), *IN_A_JOB, "say:word=never"
    ) == [""]

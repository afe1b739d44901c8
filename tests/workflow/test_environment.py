"""The environment variables of jobs: in every job's shell, and with the project's prefix."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.config.read import read_config
from fourlenses.workflow.environment import job_environment, shell_prefix

CONFIG = read_config([])


def environment(config: dict = CONFIG, inside: bool = False, alone: bool = False) -> dict:
    project = Path("/a project")
    return job_environment(config, project, in_slurm_job=inside, may_requeue=alone)


def test_every_variable_carries_the_project_s_prefix():
    variables = environment()
    assert all(name.startswith("FOURLENSES_") for name in variables)
    assert variables["FOURLENSES_SCRIPTS"] == "/a project/workflow_scripts"
    assert variables["FOURLENSES_MAX_MINUTES"] == "0"


def test_inside_a_slurm_job():
    assert environment(inside=True)["FOURLENSES_MAX_MINUTES"] == ""
    assert environment(inside=True)["FOURLENSES_REQUEUE"] == ""
    assert environment(inside=True, alone=True)["FOURLENSES_REQUEUE"] == "yes"
    never = CONFIG | {"training": CONFIG["training"] | {"requeue": False}}
    assert environment(never, inside=True, alone=True)["FOURLENSES_REQUEUE"] == ""


def run(prefix: str, pythonpath: dict[str, str]) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", f'{prefix} echo "$PYTHONPATH"; echo "$PATH"; echo "$FOURLENSES_X"'],
        env={"PATH": "/usr/bin:/bin"} | pythonpath,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_paths_of_the_user_s_stay_behind_ours():
    prefix = shell_prefix({"FOURLENSES_X": "a {b} 'c'"}, Path("/a project/src"), Path("/my env"))
    assert run(prefix, {"PYTHONPATH": "/mine"}) == [
        "/a project/src:/mine",
        "/my env:/usr/bin:/bin",
        "a {b} 'c'",
    ]
    assert run(prefix, {})[0] == "/a project/src"
    assert run(shell_prefix({"FOURLENSES_X": ""}, Path("/s"), None), {})[1] == "/usr/bin:/bin"


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONINSPECT", "PYTHONWARNINGS", "RANK"])
def test_what_a_shell_sets_for_another_program_reaches_no_job(name):
    command = f"{shell_prefix({}, Path('/s'), None)} env"
    done = subprocess.run(
        ["bash", "-c", command], env={name: "1", "PATH": os.environ["PATH"]}, capture_output=True
    )
    assert done.returncode == 0
    assert name.encode() not in done.stdout
    assert b"PYTHONNOUSERSITE=1" in done.stdout


SAVES = """
import signal, time
noted = []
signal.signal(signal.{name}, lambda *_: noted.append(1))
print("trains", flush=True)
while not noted: time.sleep(0.05)
time.sleep(0.5)
print("saved", flush=True)
raise SystemExit(75)
"""
ENDS = 'import time; print("trains", flush=True); time.sleep(50)'


def signalled(program: str, name: str) -> tuple[int, str]:
    """Send a signal to the shell of a job and to its program; exit code and what else it said."""
    # with its output redirected, as in every rule, the program does not replace the shell
    command = f"{shell_prefix({}, Path('/s'), None)} \"{sys.executable}\" -c '{program}' 2>&1"
    job = subprocess.Popen(
        ["bash", "-c", command], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert job.stdout.readline() == "trains\n"
    os.killpg(job.pid, getattr(signal, name))
    said, _ = job.communicate(timeout=60)
    return job.returncode, said


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP"])
def test_a_job_waits_for_the_checkpoint_that_its_program_takes_at_a_signal(name):
    assert signalled(SAVES.format(name=name), name) == (75, "saved\n")


def test_a_program_that_takes_no_checkpoint_ends_by_the_signal():
    assert signalled(ENDS, "SIGTERM") == (128 + signal.SIGTERM, "")


def test_rules_take_no_other_variable():
    """A user's environment has other names, such as DEVICE."""
    folder = Path(__file__).parents[2] / "rules"
    shells = "".join(file.read_text() for file in folder.rglob("*.smk"))
    taken = set(re.findall(r"\$\{*([A-Z_]+)", shells))
    assert taken
    assert taken <= set(environment())

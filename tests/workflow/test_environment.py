"""The environment variables of jobs: in every job's shell, and with the project's prefix."""

import re
import subprocess
from pathlib import Path

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


def test_rules_take_no_other_variable():
    """A user's environment has other names, such as DEVICE."""
    folder = Path(__file__).parents[2] / "rules"
    shells = "".join(file.read_text() for file in folder.rglob("*.smk"))
    taken = set(re.findall(r"\$\{*([A-Z_]+)", shells))
    assert taken
    assert taken <= set(environment())

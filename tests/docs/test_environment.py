"""docs/reference/environment.md lists the variables of jobs and those that the profiles need."""

import re
from pathlib import Path

from fourlenses.config.read import read_config
from fourlenses.workflow.environment import job_environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
LISTED = set(re.findall(r"`(FOURLENSES_[A-Z_]+)`", PAGE))


def test_the_variables_of_jobs_are_listed():
    variables = job_environment(read_config([]), ROOT, in_slurm_job=False, may_requeue=True)
    assert set(variables) <= LISTED


def test_the_variables_of_profiles_are_listed():
    files = (ROOT / "profiles").rglob("*.*")
    named = {
        name
        for file in files
        for name in re.findall(r"FOURLENSES_[A-Z_]+", file.read_text(encoding="utf-8"))
    }
    assert named <= LISTED


def test_every_variable_listed_is_used():
    files = [
        file
        for folder in ("src", "rules", "profiles", "tests")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".smk", ".yaml", ".sh") and file != Path(__file__)
    ]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    names = {name.removeprefix("FOURLENSES_") for name in LISTED}
    assert {name for name in names if name not in text} == set()

"""Every undocumented name of Snakemake that the rules use, as it behaves in a real run."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import snakemake_executor_plugin_slurm

from fourlenses.slurm import snakemake_internals
from fourlenses.slurm.snakemake_internals import count_target_jobs

ROOT = Path(__file__).parents[2]
SNAKEFILE = """
import atexit, json, logging, os, sys
from snakemake.logging import logger
from fourlenses.slurm import snakemake_internals as internals

before = workflow.global_resources["_cores"]
internals.forget_dry_run_core(workflow)
facts = {
    "resources": [list(vars(one).values()) for one in internals.profile_resources(workflow)],
    "before": before.value,
    "after": workflow.global_resources["_cores"].value,
    "makes_environments": internals.makes_environments(workflow),
    "in_module": internals.in_module(workflow),
    "placed": internals.path_prefix(workflow)("results/a.csv"),
    "shell_prefix": [internals.shell_prefix_before()],
}
shell.prefix("export A={{1}}; ")
facts["shell_prefix"].append(internals.shell_prefix_before())
local = internals.local_rules(workflow)
rule all:
    default_target: True
    localrule: True
    input: "submitted"
rule of_a_job:
    output: "{name}.of"
    resources: mem_mb=lambda wildcards: 10 * len(wildcards.name)
    shell: "touch {output}"
rule growing:
    output: "{name}.growing"
    resources: mem_mb=lambda wildcards, attempt: 30 * attempt
    shell: "touch {output}"
rule submitted:
    output: "submitted"
    benchmark: "times.tsv"
    shell: "touch {output}"
facts["local"] = ["all" in local, "submitted" in local]
class Watch(logging.Handler):
    def emit(self, record):
        # all jobs are known, none has started; a dry run says it once more at its end
        if str(getattr(record, "event", "")) == "run_info" and "jobs" not in facts:
            facts["jobs"] = [name for name, _ in internals.jobs_to_run(workflow)]
            facts["benchmarks"] = internals.benchmarks_to_run(workflow)
            facts["makes"] = [internals.makes(workflow, name) for name in ("submitted", "other")]
            facts["targets"] = internals.named_targets(workflow)
if workflow.is_main_process:
    logger.addHandler(Watch())
    atexit.register(lambda: print("FACTS", json.dumps(facts), file=sys.stderr))
    atexit.register(lambda: facts.update(asking=internals.asking_options(workflow)))  # before it
    atexit.register(lambda: facts.update(asked=internals.asked_memory(workflow)))
"""
PROFILE = """
default-resources: {slurm_partition: $NOT_SET_ANYWHERE}
set-resources: {submitted: {gpu: 8, mem_mb: 100 * attempt}}
"""


def facts(folder: Path, *arguments: str) -> dict:
    """What a Snakefile saw in a dry run."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "profile").mkdir()
    (folder / "profile/config.yaml").write_text(PROFILE)
    command = [Path(sys.executable).with_name("snakemake"), "-n", "--workflow-profile", "profile"]
    done = subprocess.run(
        [str(part) for part in [*command, *arguments]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("FACTS "))
    return json.loads(line.removeprefix("FACTS "))


def test_what_a_snakefile_learns(tmp_path):
    learnt = facts(tmp_path)
    written = {tuple(resource) for resource in learnt["resources"]}
    assert ("default-resources", "slurm_partition", "$NOT_SET_ANYWHERE") in written
    assert ("submitted", "gpu", "8") in written
    assert ("submitted", "mem_mb", "100 * attempt") in written
    assert (learnt["before"], learnt["after"]) == (1, None)
    assert learnt["local"] == [True, False]
    assert learnt["makes_environments"] is False
    assert sorted(learnt["jobs"]) == ["all", "submitted"]
    assert sorted(learnt["benchmarks"]) == ["", "times.tsv"]
    assert (learnt["makes"], learnt["targets"]) == ([True, False], ["all"])
    # of the profile's expression and of a function, the first attempt's; not what depends on a job
    assert learnt["asked"] == {"submitted": 100, "growing": 30}
    assert learnt["shell_prefix"] == ["", "export A={1}; "]
    assert (learnt["in_module"], learnt["placed"]) == (False, "results/a.csv")


def test_what_a_module_learns_of_its_place(tmp_path):
    (tmp_path / "inner.smk").write_text(
        "import sys\n"
        "from fourlenses.slurm import snakemake_internals as internals\n"
        "place = internals.path_prefix(workflow)\n"
        "print('PLACE', internals.in_module(workflow), place('data'), place('/data'), "
        "file=sys.stderr)\n"
    )
    (tmp_path / "Snakefile").write_text(
        'module inner:\n    snakefile: "inner.smk"\n    prefix: "study"\n'
        "use rule * from inner\nrule all:\n    localrule: True\n"
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("snakemake"), "-n"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PLACE True study/data /data" in done.stderr


def test_a_second_snakemake_is_told_values_and_triggers(tmp_path):
    arguments = ("--config", "epochs=3", "--rerun-triggers", "mtime", "params")
    assert facts(tmp_path, *arguments)["asking"] == {
        "values": {"epochs": 3},
        "options": ["--rerun-triggers", "mtime", "params"],
    }


def test_the_cores_that_a_user_names_stay(tmp_path):
    assert facts(tmp_path, "--cores", "3")["after"] == 3


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ([], 0),
        (["--target-jobs", "say:word=a", "--cores", "1"], 1),
        (["--mode", "remote", "--target-jobs", "say:word=a", "say:word=b"], 2),
    ],
)
def test_target_jobs_are_counted(arguments, count):
    assert count_target_jobs(arguments) == count


def test_the_installed_plugin_is_known():
    assert snakemake_internals.knows_queries(snakemake_executor_plugin_slurm)
    assert snakemake_internals.account_check(snakemake_executor_plugin_slurm) is not None


def test_another_plugin_is_not_known():
    assert not snakemake_internals.knows_queries(ModuleType("another"))
    assert snakemake_internals.account_check(ModuleType("another")) is None


def test_private_names_are_in_one_module():
    """Here is where the next version of Snakemake is met."""
    names = ("_localrules", "global_resources", "deployment_settings", "query_job_status")
    names += ("check_active_jobs", "resource_settings", "overwrite_resources")
    names += ("config_settings", "workflow.rerun_triggers")
    names += ("path_modifier", "modifier.namespace", "_process_prefix")
    files = [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]
    files += [
        file
        for file in (ROOT / "src").rglob("*.py")
        if file.name not in ("snakemake_internals.py", "states.py")
    ]
    users = [
        (file.name, name) for file in files for name in names if name in file.read_text("utf-8")
    ]
    assert users == []


def test_logging_of_jobs_is_public():
    """`Demands` listens for it."""
    from snakemake_interface_logger_plugins.common import LogEvent

    from fourlenses.slurm.demands import Demands

    record = logging.makeLogRecord(
        {"event": LogEvent.JOB_INFO, "rule_name": "r", "resources": {"gpu": 1}, "threads": 2}
    )
    demands = Demands({"light"})
    demands.emit(record)
    demands.emit(logging.makeLogRecord(vars(record) | {"rule_name": "light"}))
    assert demands.table().splitlines()[1:] == [
        "rule  jobs  partition   GPUs  CPUs  memory  time",
        "r     1     (best fit)  1     2     -       -",
        "on the head's machine: light (1)",
    ]

"""Undocumented names of Snakemake 9 and of its SLURM plugin: all those that the rules use.

Each function says why no documented way does. A test calls all of them in a real run, and fails
when a version changes one: tests/slurm_profile/test_snakemake_internals.py.
"""

import inspect
import itertools
from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from logging import Logger
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snakemake.workflow import Workflow

DEFAULTS = "default-resources"
Query = Callable[[str, Logger], Awaitable[tuple[dict[str, str] | None, float | None]]]


@dataclass(frozen=True)
class ProfileResource:
    """A resource as the profile or the command line writes it.

    Args:
        block: `default-resources`, or the rule that `set-resources` names.
        name: such as slurm_partition.
        text: the expression as written, before Snakemake evaluates it; "" for none.
    """

    block: str
    name: str
    text: str


def profile_resources(workflow: "Workflow") -> Iterator[ProfileResource]:
    """Yield the resources of profile and command line.

    A rule's own `resources` shows values when a job is made, after evaluation, when an environment
    variable that is not set has become a part of a partition's name.
    """
    settings = workflow.resource_settings
    blocks = {DEFAULTS: settings.default_resources or {}, **(settings.overwrite_resources or {})}
    for block, resources in blocks.items():
        for name in resources:
            yield ProfileResource(block, name, str(getattr(resources[name], "raw", None) or ""))


def local_rules(workflow: "Workflow") -> Container[str]:
    """Return the names of the rules whose jobs run on the head's machine.

    The set fills while rules are read.
    `workflow.is_local` is documented by use, but true of every rule in a dry run.
    """
    return workflow._localrules


def forget_dry_run_core(workflow: "Workflow") -> None:
    """Lift the limit of one core that a dry run without `--cores` has.

    It would be taken for the limit of each job's CPUs, and `jobs:` of a profile sets none.
    """
    if workflow.resource_settings.cores == 1:
        workflow.global_resources["_cores"] = None


def makes_environments(workflow: "Workflow") -> bool:
    """Return whether jobs run in environments that Snakemake makes (`--sdm conda`).

    The option is not among what a Snakefile is documented to know.
    """
    return bool(workflow.deployment_settings.deployment_method)


def in_module(workflow: "Workflow") -> bool:
    """Return whether another workflow's `module` statement is reading this file."""
    return workflow.modifier.namespace is not None


def path_prefix(workflow: "Workflow") -> Callable[[str], str]:
    """Return what puts a module's prefix before a path.

    Snakemake does so for inputs and outputs. Parameters, and files that are looked for while rules
    are read, have no documented way to it.
    """
    modifier = workflow.modifier.path_modifier
    return lambda path: str(modifier.replace_prefix(path))


def shell_prefix_before() -> str:
    """Return what `shell.prefix` was last given: a module is to add to it."""
    from snakemake.shell import shell

    return shell._process_prefix or ""


def shells_of_jobs() -> list[int]:
    """Return the process ids of the shells of running jobs: Snakemake ends them by job id alone."""
    from snakemake.shell import shell

    return [process.pid for process in list(shell._processes.values())]


def count_target_jobs(arguments: Sequence[str]) -> int:
    """Return how many jobs the executor gave this Snakemake to make, by its command line.

    `workflow.dag_settings` holds them, but is set after the Snakefile has been read.
    """
    if "--target-jobs" not in arguments:
        return 0
    after = arguments[arguments.index("--target-jobs") + 1 :]
    return len(list(itertools.takewhile(lambda argument: not argument.startswith("--"), after)))


def knows_queries(plugin: ModuleType) -> bool:
    """Return whether `replace_queries` fits this version of snakemake-executor-plugin-slurm."""
    query = getattr(plugin, "query_job_status", None)
    check = getattr(getattr(plugin, "Executor", None), "check_active_jobs", None)
    return (
        inspect.iscoroutinefunction(query)
        and [*inspect.signature(query).parameters] == ["command", "logger"]
        and inspect.isasyncgenfunction(check)
        and [*inspect.signature(check).parameters] == ["self", "active_jobs"]
    )


def replace_queries(
    plugin: ModuleType, query: Query, before_check: Callable[[list[Any]], None]
) -> None:
    """Have the plugin ask for job states by ``query``.

    ``before_check`` is called with the jobs that it waits for, before each round.
    The plugin has neither a hook nor an option for the three faults that `fourlenses.slurm.states`
    names.
    """
    check = plugin.Executor.check_active_jobs

    async def check_active_jobs(self: Any, active_jobs: list[Any]) -> Any:
        before_check(active_jobs)
        async for job in check(self, active_jobs):
            yield job

    # a module's attribute and a class's, set as mypy lets them be set
    setattr(plugin, "query_job_status", query)  # noqa: B010
    setattr(plugin.Executor, "check_active_jobs", check_active_jobs)  # noqa: B010


def account_check(plugin: ModuleType) -> Callable[[str, Logger], object] | None:
    """Return the plugin's check of an account, which raises WorkflowError; None if it has none.

    It runs at each submission, where the error is one job's, and costs its retries.
    """
    return getattr(plugin, "validate_account", None)


def jobs_to_run(workflow: "Workflow") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield rule and wildcards of each job that is to run.

    Once the jobs are known; a Snakefile has no hook there in a dry run.
    """
    for job in workflow.dag.needrun_jobs():
        yield job.rule.name, dict(job.wildcards_dict)


def asking_options(workflow: "Workflow") -> dict[str, Any]:
    """Return what a second Snakemake has to be told to decide as this one: values and triggers.

    The values of `--config` and the rerun triggers (of the command line or a profile). A Snakefile
    is documented to know the merged config alone.
    """
    triggers = sorted(trigger.name.lower().replace("_", "-") for trigger in workflow.rerun_triggers)
    return {
        "values": dict(workflow.config_settings.config),
        "options": ["--rerun-triggers", *triggers],
    }


def benchmarks_to_run(workflow: "Workflow") -> list[str]:
    """Return the benchmark file of each job that is to run, "" where it has none."""
    return [str(job.benchmark or "") for job in workflow.dag.needrun_jobs()]


def makes(workflow: "Workflow", rule: str) -> bool:
    """Return whether a rule's job is among those of the run, to be run or done already."""
    return any(job.rule.name == rule for job in workflow.dag.jobs)


def asked_memory(workflow: "Workflow") -> dict[str, int]:
    """Return the `mem_mb` of each rule's first attempt, profile and command line included.

    Of rules whose memory depends on the job it is left out. A rule's resources are documented for
    jobs alone, and of the rules that a plan is about there are none.
    """
    asked = {}
    known = {"attempt": 1, "threads": 1, "input": [], "async_run": workflow.async_run}
    for rule in workflow.rules:
        try:
            value = rule.resources["mem_mb"].evaluate(None, rulename=rule.name, **known).value
        except Exception:  # a function of wildcards or input: whatever it raises without them
            continue
        if isinstance(value, int):
            asked[rule.name] = value
    return asked


def named_targets(workflow: "Workflow") -> list[str]:
    """Return the rules that make nothing themselves, so that a user asks for them by name."""
    return [rule.name for rule in workflow.rules if not rule.output]

"""The resources that a Snakemake profile asks SLURM for, against what the cluster has."""

import getpass
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.cluster import Partition, partitions
from fourlenses.doctor.probe import ask, run

Profile = dict[str, Any]  # keys of Snakemake's command line
_READ = """
def answer(file):
    import yaml
    return yaml.safe_load(open(file, encoding="utf-8"))
"""
# set by the Snakefile from the config unless they are set before; the values of config.yaml
_SET_LATER = {
    "FOURLENSES_PROCESSES": "1",
    "FOURLENSES_EVALUATION_PROCESSES": "1",
    "FOURLENSES_NODES": "1",
}
_BUILTINS = {"min": min, "max": max, "int": int}
_UNITS = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440, "w": 10080}


@dataclass(frozen=True)
class Demand:
    """The resources that the jobs of a rule ask for at their first attempt.

    Attributes:
        rule: Its name.
        partition: None, like the next ones, if the profile does not say.
        gpus: 0 if the profile does not say.
        gpu_model: "" for any.
        memory_mb: Of the whole job.
        runtime_minutes: Its time limit.
    """

    rule: str
    partition: str | None = field(default=None, kw_only=True)
    gpus: int = field(default=0, kw_only=True)
    gpu_model: str = field(default="", kw_only=True)
    memory_mb: int | None = field(default=None, kw_only=True)
    runtime_minutes: float | None = field(default=None, kw_only=True)


def read_profile(folders: Sequence[Path]) -> tuple[Profile, str]:
    """Read a Snakemake profile.

    Args:
        folders: Of several, a key of a later one replaces that of the earlier ones, as Snakemake
            lays `--workflow-profile` over `--profile`.

    Returns:
        The keys, with environment variables filled in (those that are not set stay as $NAME), and
        "" or why there are none.
    """
    profile: Profile = {}
    for folder in folders:
        files = [
            file
            for name in ("profile*.yaml", "config*.yaml")
            for file in sorted(folder.glob(name), reverse=True)
        ]
        if not files:
            return {}, f"no profile.yaml or config.yaml in {folder}"
        answer = ask(_READ, str(files[0]), timeout=30)
        if answer.error or not isinstance(answer.value, dict):
            return {}, f"{files[0]} cannot be read: {answer.error or 'it holds no keys'}"
        profile |= answer.value
    return {key: _expanded(value) for key, value in profile.items()}, ""


def demands(profile: Profile) -> list[Demand]:
    """Return what each rule of a profile asks for, and first what all other rules ask for."""
    base = _resources(profile.get("default-resources"))
    by_rule = {"(other rules)": base}
    for rule, resources in (profile.get("set-resources") or {}).items():
        by_rule[rule] = {**base, **_resources(resources)}
    return [
        Demand(
            rule,
            partition=_text(resources.get("slurm_partition")),
            gpus=_whole(resources.get("gpu")) or 0,
            gpu_model=_text(resources.get("gpu_model")) or "",
            memory_mb=_whole(resources.get("mem_mb")),
            runtime_minutes=_minutes(resources.get("runtime")),
        )
        for rule, resources in by_rule.items()
    ]


def check_profile(name: str, profile: Profile) -> Iterator[CheckResult]:
    """Check unset variables, the account, and the demand of each rule against its partition."""
    yield _variables(name, profile)
    account = _text(_resources(profile.get("default-resources")).get("slurm_account"))
    if profile.get("slurm-status-command") != "squeue" and not (account or "").startswith("$"):
        yield _account(account)
    by_name, why = partitions()
    if why:
        return
    for demand in demands(profile):
        if not (demand.partition or "").startswith("$"):
            yield _fits(demand, by_name)


def _variables(name: str, profile: Profile) -> CheckResult:
    resources = str([profile.get("default-resources"), profile.get("set-resources")])
    unset = sorted(set(re.findall(r"\$\{?(\w+)", resources)))
    if not unset:
        return CheckResult("profile", OK, f"{name}: all its variables are set")
    variables = ", ".join(f"${variable}" for variable in unset)
    return CheckResult(
        "profile",
        FAIL,
        f"{name} uses {variables}, which {'is' if len(unset) == 1 else 'are'} not set",
        remedy="export them before Snakemake and this (docs/guide/slurm.md), or write the values "
        "into the profile",
    )


def _account(account: str | None) -> CheckResult:
    if not account:
        remedy = "set it, unless your cluster has a default account for you"
        return CheckResult("account", WARN, "the profile names no slurm_account", remedy=remedy)
    known = run(["sacctmgr", "-nP", "show", "assoc", f"user={getpass.getuser()}", "format=account"])
    accounts = sorted(set(known.output.split()))
    if known.code != 0 or not accounts:
        message = f"{account} (sacctmgr does not show whether it is yours)"
        return CheckResult("account", OK, message)
    if account.lower() not in accounts:  # SLURM has them in lower case, whatever is written
        message = f"{account} is not among yours: {', '.join(accounts)}"
        return CheckResult("account", FAIL, message, remedy="export or write one of these")
    return CheckResult("account", OK, account)


def _fits(demand: Demand, by_name: dict[str, Partition]) -> CheckResult:
    """Compare a demand with its partition."""
    check = f"jobs of {demand.rule}"
    if demand.partition is None:
        return CheckResult(check, OK, "go to the cluster's default partition")
    name = demand.partition
    partition = by_name.get(name.split(",")[0])
    if partition is None:
        message = f"partition {name} is not there; there are: {', '.join(by_name)}"
        return CheckResult(check, FAIL, message, remedy="name one of these in the profile")
    if problems := _problems(demand, partition):
        message = f"partition {name}: {'; '.join(problems)}"
        remedy = "change the partition or the resource in the profile"
        return CheckResult(check, FAIL, message, remedy=remedy)
    asks = [f"{demand.gpus} GPU {demand.gpu_model}".strip()] if demand.gpus else []
    asks += [f"{demand.memory_mb} MB"] if demand.memory_mb else []
    asks += [f"{demand.runtime_minutes / 60:g} h"] if demand.runtime_minutes else []
    listed = f": {', '.join(asks)}" if asks else ""
    return CheckResult(check, OK, f"partition {name} has what they ask for{listed}")


def _problems(demand: Demand, partition: Partition) -> list[str]:
    """Return why a partition cannot run the jobs of a demand."""
    problems = [] if partition.up else ["it is down"]
    limit, runtime = partition.limit_minutes, demand.runtime_minutes
    if runtime and limit is not None and runtime > limit:
        problems.append(f"its limit is {limit / 60:g} h, but runtime is {runtime / 60:g} h")
    if demand.memory_mb and demand.memory_mb > partition.memory_mb:
        largest = partition.memory_mb
        problems.append(f"its largest node has {largest} MB, but mem_mb is {demand.memory_mb}")
    most = max(_gpus(partition.gres, demand.gpu_model), default=0)
    if demand.gpus > most:
        has = f"{most} GPUs{f' {demand.gpu_model}' if demand.gpu_model else ''}"
        gres = partition.gres or "no gres"
        problems.append(f"its nodes have {has} ({gres}), but gpu is {demand.gpus}")
    return problems


def _gpus(gres: str, model: str) -> list[int]:
    """Return the GPUs of each kind of node, from sinfo's gpu:a100:4(S:0-1),…"""
    kinds = re.findall(r"gpu(?::([A-Za-z][\w.-]*))?:(\d+)", gres)
    return [int(count) for name, count in kinds if not model or name == model]


def _resources(given: object) -> dict[str, object]:
    """Return resources by name; a profile may also list them as name=value."""
    if isinstance(given, list):
        return dict(each.split("=", 1) for each in given if "=" in str(each))
    return given if isinstance(given, dict) else {}


def _expanded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _expanded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_expanded(each) for each in value]
    if not isinstance(value, str):
        return value
    for name, number in _SET_LATER.items():
        value = value.replace(f"${name}", os.environ.get(name, number))
    return os.path.expandvars(value)


def _evaluated(value: object) -> object:
    """Return the value of a resource, which Snakemake evaluates as Python.

    Text that needs more than the attempt (the input's size, say) stays as it is.
    """
    if not isinstance(value, str):
        return value
    try:
        return eval(value, {"__builtins__": _BUILTINS}, {"attempt": 1})
    except Exception:
        return value


def _text(value: object) -> str | None:
    value = _evaluated(value)
    return None if value is None else str(value)


def _whole(value: object) -> int | None:
    value = _evaluated(value)
    return int(value) if isinstance(value, int | float) else None


def _minutes(value: object) -> float | None:
    value = _evaluated(value)
    if isinstance(value, int | float):
        return float(value)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", str(value))
    return sum(float(number) * _UNITS[unit] for number, unit in parts) or None

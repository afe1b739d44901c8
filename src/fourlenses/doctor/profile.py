"""What a Snakemake profile asks of SLURM, and whether the cluster has it."""

import getpass
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.cluster import Partition, partitions
from fourlenses.doctor.probe import ask, run

_READ = """
def answer(file):
    import yaml
    return yaml.safe_load(open(file, encoding="utf-8"))
"""
# what the Snakefile sets from the config, unless it is set here: that of config.yaml
_SET_LATER = {"FOURLENSES_PROCESSES": "1", "FOURLENSES_EVALUATION_PROCESSES": "1"}
_UNITS = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440, "w": 10080}


@dataclass(frozen=True)
class Demand:
    """What one rule's jobs ask for at their first attempt; None for what the profile does not say."""

    rule: str
    partition: str | None
    gpus: int
    gpu_model: str
    memory_mb: int | None
    runtime_minutes: float | None


def read_profile(folders: Sequence[Path]) -> tuple[dict, str]:
    """Read a Snakemake profile.

    Args:
        folders: of several, a key of a later one replaces that of the earlier ones, as Snakemake
            lays `--workflow-profile` over `--profile`.

    Returns:
        The keys, with environment variables filled in (those that are not set stay as $NAME), and
        "" or why there are none.
    """
    profile: dict = {}
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


def demands(profile: dict) -> list[Demand]:
    base = _resources(profile.get("default-resources"))
    rules = {
        "(other rules)": {},
        **{rule: _resources(own) for rule, own in (profile.get("set-resources") or {}).items()},
    }
    return [
        Demand(
            rule,
            _text(all_of.get("slurm_partition")),
            _whole(all_of.get("gpu")) or 0,
            _text(all_of.get("gpu_model")) or "",
            _whole(all_of.get("mem_mb")),
            _minutes(all_of.get("runtime")),
        )
        for rule, all_of in ((rule, {**base, **own}) for rule, own in rules.items())
    ]


def check_profile(name: str, profile: dict) -> Iterator[CheckResult]:
    """Lines on unset variables, the account, and every rule's demand beside the partition it names."""
    unset = sorted(
        set(
            re.findall(
                r"\$\{?(\w+)", str([profile.get("default-resources"), profile.get("set-resources")])
            )
        )
    )
    if unset:
        yield CheckResult(
            "profile",
            FAIL,
            f"{name} uses {', '.join('$' + one for one in unset)}, which {'is' if len(unset) == 1 else 'are'} "
            "not set",
            "export them before Snakemake and this (docs/guide/slurm.md), or write the values into the profile",
        )
    else:
        yield CheckResult("profile", OK, f"{name}: all its variables are set")
    account = _text(_resources(profile.get("default-resources")).get("slurm_account"))
    if profile.get("slurm-status-command") != "squeue" and not (account or "").startswith("$"):
        yield _account(account)
    found, why = partitions()
    if why:
        return
    for demand in demands(profile):
        if not (demand.partition or "").startswith("$"):
            yield _beside(demand, found)


def _account(account: str | None) -> CheckResult:
    if not account:
        return CheckResult(
            "account",
            WARN,
            "the profile names no slurm_account",
            "set it, unless your cluster has a default account for you",
        )
    known = run(["sacctmgr", "-nP", "show", "assoc", f"user={getpass.getuser()}", "format=account"])
    accounts = sorted(set(known.output.split()))
    if known.code != 0 or not accounts:
        return CheckResult("account", OK, f"{account} (sacctmgr does not tell whether it is yours)")
    if account.lower() not in accounts:  # SLURM has them in lower case, whatever is written
        return CheckResult(
            "account",
            FAIL,
            f"{account} is not among yours: {', '.join(accounts)}",
            "export or write one of these",
        )
    return CheckResult("account", OK, account)


def _beside(demand: Demand, found: dict[str, Partition]) -> CheckResult:
    check = f"jobs of {demand.rule}"
    if demand.partition is None:
        return CheckResult(check, OK, "go to the cluster's default partition")
    name = demand.partition
    partition = found.get(name.split(",")[0])
    if partition is None:
        return CheckResult(
            check,
            FAIL,
            f"partition {name} is not there; there are: {', '.join(found)}",
            "name one of these in the profile",
        )
    problems = []
    if not partition.up:
        problems.append("it is down")
    if (
        demand.runtime_minutes
        and partition.limit_minutes is not None
        and demand.runtime_minutes > partition.limit_minutes
    ):
        problems.append(
            f"its limit is {partition.limit_minutes / 60:g} h, but runtime is {demand.runtime_minutes / 60:g} h"
        )
    if demand.memory_mb and demand.memory_mb > partition.memory_mb:
        problems.append(
            f"its largest node has {partition.memory_mb} MB, but mem_mb is {demand.memory_mb}"
        )
    most = max(_gpus(partition.gres, demand.gpu_model), default=0)
    if demand.gpus > most:
        model = f" {demand.gpu_model}" if demand.gpu_model else ""
        problems.append(
            f"its nodes have {most} GPUs{model} ({partition.gres or 'no gres'}), but gpu is {demand.gpus}"
        )
    if problems:
        return CheckResult(
            check,
            FAIL,
            f"partition {name}: {'; '.join(problems)}",
            "change the partition or the resource in the profile",
        )
    asks = [f"{demand.gpus} GPU {demand.gpu_model}".strip()] if demand.gpus else []
    asks += [f"{demand.memory_mb} MB"] if demand.memory_mb else []
    asks += [f"{demand.runtime_minutes / 60:g} h"] if demand.runtime_minutes else []
    return CheckResult(
        check,
        OK,
        f"partition {name} has what they ask for" + (f": {', '.join(asks)}" if asks else ""),
    )


def _gpus(gres: str, model: str) -> list[int]:
    """GPUs of each kind of node, from sinfo's gpu:a100:4(S:0-1),…"""
    found = re.findall(r"gpu(?::([A-Za-z][\w.-]*))?:(\d+)", gres)
    return [int(count) for name, count in found if not model or name == model]


def _resources(given: object) -> dict:
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
    """Snakemake evaluates resources as Python; what needs more than the attempt (the input's size, say) is not known here."""
    try:
        return (
            eval(value, {"__builtins__": {"min": min, "max": max, "int": int}}, {"attempt": 1})
            if isinstance(value, str)
            else value
        )
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

"""SLURM as it is: its commands, partitions and accounting."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.probe import run

COMMANDS = ("sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol")
LEAST_JOB_AGE = 120  # seconds: Snakemake asks squeue about a job for the last time this late


@dataclass(frozen=True)
class Partition:
    """A partition of the cluster.

    Attributes:
        limit_minutes: None for no limit.
        gres: As sinfo shows it, of all kinds of nodes.
        memory_mb: Of its largest node.
        cpus: Of its largest node.
        up: Whether it takes jobs.
    """

    limit_minutes: float | None
    gres: str
    memory_mb: int
    cpus: int
    up: bool


def is_there() -> bool:
    return shutil.which("sbatch") is not None


def partitions() -> tuple[dict[str, Partition], str]:
    """By name, and if there are none, why."""
    asked = run(["sinfo", "-h", "-e", "-o", "%R|%l|%G|%m|%c|%a"])
    if asked.code != 0:
        return (
            {},
            asked.reason or asked.errors.strip() or f"sinfo ended with exit code {asked.code}",
        )
    found: dict[str, Partition] = {}
    for line in asked.output.splitlines():
        name, limit, gres, memory, cpus, state = (part.strip() for part in line.split("|"))
        seen = found.get(name, Partition(0, "", 0, 0, False))
        found[name] = Partition(
            minutes(limit),
            ",".join(part for part in (seen.gres, gres) if part and part != "(null)"),
            max(seen.memory_mb, _number(memory)),
            max(seen.cpus, _number(cpus)),
            seen.up or state == "up",
        )
    return found, "" if found else "sinfo lists no partition"


def minutes(limit: str) -> float | None:
    """SLURM's [days-]hours:minutes:seconds; None for infinite."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if not match:
        return None
    days, hours, minute, second = (int(part or 0) for part in match.groups())
    return 1440 * days + 60 * hours + minute + second / 60


def check_cluster(needed: bool, status_command: str | None) -> Iterator[CheckResult]:
    """Check SLURM's commands, partitions and accounting.

    Args:
        needed: Whether the profile submits to SLURM.
        status_command: By which Snakemake asks about jobs; None if the profile does not set it.
    """
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        if not needed:
            yield CheckResult(
                "SLURM",
                OK,
                "no SLURM commands here; studies run on this machine with profiles/local",
            )
        else:
            yield CheckResult(
                "SLURM",
                FAIL,
                f"not on PATH: {', '.join(missing)}",
                "log in to the cluster, or: module load slurm",
            )
        return
    found, why = partitions()
    if why:
        yield CheckResult(
            "SLURM",
            FAIL if needed else WARN,
            f"sinfo does not answer: {why}",
            "ask the administrators, or set SLURM_CONF",
        )
        return
    version = run(["sinfo", "--version"]).output.strip()
    listed = ", ".join(
        f"{name} ({_limit(one)}{f', {one.gres}' if one.gres else ''})"
        for name, one in found.items()
    )
    yield CheckResult("SLURM", OK, f"{version}; partitions: {listed}")
    yield _accounting(status_command)
    if status_command == "squeue":
        yield _job_age()


def _accounting(status_command: str | None) -> CheckResult:
    asked = run(["sacct", "-n", "-X", "-S", "now"]) if shutil.which("sacct") else None
    if asked is not None and asked.code == 0:
        return CheckResult(
            "accounting",
            OK,
            "sacct answers"
            + (", though the profile asks squeue" if status_command == "squeue" else ""),
        )
    why = (
        (asked.errors.strip() or asked.reason or f"sacct ended with exit code {asked.code}")
        if asked
        else "there is no sacct"
    )
    if status_command == "squeue":
        return CheckResult("accounting", OK, f"none ({why}); the profile asks squeue")
    return CheckResult(
        "accounting",
        WARN if status_command is None and asked is None else FAIL,
        f"none: {why}",
        "add --workflow-profile profiles/slurm-squeue to --profile profiles/slurm, or set "
        "slurm-status-command: squeue in your profile",
    )


def _job_age() -> CheckResult:
    shown = re.search(r"MinJobAge\s*=\s*(\d+)", run(["scontrol", "show", "config"]).output)
    if not shown:
        return CheckResult(
            "finished jobs",
            WARN,
            "scontrol shows no MinJobAge",
            f"squeue has to show finished jobs for {LEAST_JOB_AGE} s",
        )
    if int(shown[1]) < LEAST_JOB_AGE:
        return CheckResult(
            "finished jobs",
            FAIL,
            f"squeue forgets them after {shown[1]} s (MinJobAge)",
            f"ask for MinJobAge={LEAST_JOB_AGE} in slurm.conf, or use accounting (profiles/slurm)",
        )
    return CheckResult("finished jobs", OK, f"squeue shows them for {shown[1]} s (MinJobAge)")


def _limit(partition: Partition) -> str:
    return (
        "no time limit"
        if partition.limit_minutes is None
        else f"{partition.limit_minutes / 60:g} h"
    )


def _number(text: str) -> int:
    match = re.match(r"\d+", text)  # sinfo shows 64+ where nodes differ
    return int(match[0]) if match else 0

"""SLURM as installed here: its commands, partitions and accounting."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult
from fourlenses.doctor.probe import run

COMMANDS = ("sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol")
LEAST_JOB_AGE = 120  # seconds: Snakemake asks squeue about a job for the last time this late


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition of the cluster.

    Attributes:
        limit_minutes: None for no limit.
        gres: As sinfo shows it, of all kinds of nodes.
        memory_mb: Of its largest node.
        cpus: Of its largest node.
        up: Whether it takes jobs.
    """

    limit_minutes: float | None = 0
    gres: str = ""
    memory_mb: int = 0
    cpus: int = 0
    up: bool = False


def has_slurm() -> bool:
    return shutil.which("sbatch") is not None


def partitions() -> tuple[dict[str, Partition], str]:
    """Return the partitions by name, and "" or why there are none."""
    listed = run(["sinfo", "-h", "-e", "-o", "%R|%l|%G|%m|%c|%a"])
    if listed.code != 0:
        reason = listed.reason or listed.errors.strip()
        return {}, reason or f"sinfo ended with exit code {listed.code}"
    by_name: dict[str, Partition] = {}
    for line in listed.output.splitlines():  # one for each kind of node of a partition
        name, limit, gres, memory, cpus, state = (part.strip() for part in line.split("|"))
        before = by_name.get(name, Partition())
        by_name[name] = Partition(
            limit_minutes=minutes(limit),
            gres=",".join(part for part in (before.gres, gres) if part and part != "(null)"),
            memory_mb=max(before.memory_mb, _number(memory)),
            cpus=max(before.cpus, _number(cpus)),
            up=before.up or state == "up",
        )
    return by_name, "" if by_name else "sinfo lists no partition"


def minutes(limit: str) -> float | None:
    """Return the minutes of SLURM's [days-]hours:minutes:seconds; None for infinite."""
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
    if missing and not needed:
        message = "no SLURM commands here; studies run on this machine with profiles/local"
        yield CheckResult("SLURM", OK, message)
        return
    if missing:
        message = f"not on PATH: {', '.join(missing)}"
        remedy = "log in to the cluster, or: module load slurm"
        yield CheckResult("SLURM", FAIL, message, remedy=remedy)
        return
    by_name, why = partitions()
    if why:
        message = f"sinfo does not answer: {why}"
        remedy = "ask the administrators, or set SLURM_CONF"
        yield CheckResult("SLURM", FAIL if needed else WARN, message, remedy=remedy)
        return
    version = run(["sinfo", "--version"]).output.strip()
    listed = ", ".join(_described(name, partition) for name, partition in by_name.items())
    yield CheckResult("SLURM", OK, f"{version}; partitions: {listed}")
    yield _accounting(status_command)
    if status_command == "squeue":
        yield _job_age()


def _accounting(status_command: str | None) -> CheckResult:
    answer = run(["sacct", "-n", "-X", "-S", "now"]) if shutil.which("sacct") else None
    if answer is not None and answer.code == 0:
        note = ", though the profile asks squeue" if status_command == "squeue" else ""
        return CheckResult("accounting", OK, f"sacct answers{note}")
    if answer is None:
        why = "there is no sacct"
    else:
        why = answer.errors.strip() or answer.reason or f"sacct ended with exit code {answer.code}"
    if status_command == "squeue":
        return CheckResult("accounting", OK, f"none ({why}); the profile asks squeue")
    return CheckResult(
        "accounting",
        WARN if status_command is None and answer is None else FAIL,
        f"none: {why}",
        remedy="add --workflow-profile profiles/slurm-squeue to --profile profiles/slurm, or set "
        "slurm-status-command: squeue in your profile",
    )


def _job_age() -> CheckResult:
    check = "finished jobs"
    shown = re.search(r"MinJobAge\s*=\s*(\d+)", run(["scontrol", "show", "config"]).output)
    if not shown:
        remedy = f"squeue has to show finished jobs for {LEAST_JOB_AGE} s"
        return CheckResult(check, WARN, "scontrol shows no MinJobAge", remedy=remedy)
    if int(shown[1]) < LEAST_JOB_AGE:
        return CheckResult(
            check,
            FAIL,
            f"squeue forgets them after {shown[1]} s (MinJobAge)",
            remedy=f"ask for MinJobAge={LEAST_JOB_AGE} in slurm.conf, or use accounting "
            "(profiles/slurm)",
        )
    return CheckResult(check, OK, f"squeue shows them for {shown[1]} s (MinJobAge)")


def _described(name: str, partition: Partition) -> str:
    most = partition.limit_minutes
    limit = "no time limit" if most is None else f"{most / 60:g} h"
    return f"{name} ({limit}{f', {partition.gres}' if partition.gres else ''})"


def _number(text: str) -> int:
    match = re.match(r"\d+", text)  # sinfo shows 64+ where nodes differ
    return int(match[0]) if match else 0

"""The plan of a study to read: a table of jobs (plan.csv) and a page (plan.md and the terminal)."""

from collections.abc import Sequence
from pathlib import Path

from fourlenses.core.files import write_csv
from fourlenses.core.units import format_bytes, format_duration
from fourlenses.planning.costs import (
    KINDS,
    Sum,
    left,
    lenses_of,
    of_lens,
    only_of_lens,
    shared,
    total,
)
from fourlenses.planning.jobs import Job
from fourlenses.planning.memory.formulas import MB
from fourlenses.study.vocabulary import LENSES

CAPTION = (
    "The cost of the study in hours on one device. The bars of the lenses and of what several "
    "share add up to the last one. Where some jobs are done, they are pale."
)
COLUMNS = (
    *("kind", "job", "lenses", "images", "images_per_second", "hours", "hours_of", "done"),
    *("disk_gb", "start_hour", "end_hour", "memory_mb", "gpu_memory_mb"),
    "speed_from",
)


def write_jobs(jobs: list[Job], times: dict[str, tuple[float, float]], file: Path) -> None:
    """Write a row for each job.

    `hours` are of devices, or of CPU cores (`hours_of` says which), and empty where unknown.

    Args:
        times: start and end in seconds of the jobs that are left, by key.
    """
    ordered = sorted(jobs, key=lambda job: (KINDS.index(job.kind), job.key))
    write_csv(file, COLUMNS, (_row(job, *times.get(job.key, (None, None))) for job in ordered))


def _row(job: Job, start: float | None, end: float | None) -> list[object]:
    return [
        job.kind,
        job.key,
        ";".join(lens for lens in LENSES if lens in job.lenses),
        "" if job.images is None else job.images,
        f"{job.images / job.seconds:.4g}" if job.images and job.seconds else "",
        _hours_cell(job.seconds),
        "core" if job.on_cpu else "device",
        "yes" if job.done else "no",
        f"{job.disk_bytes / 1e9:.3f}",
        _hours_cell(start),
        _hours_cell(end),
        _megabytes_cell(job.peak.host),
        _megabytes_cell(job.peak.gpu),
        job.how,
    ]


def page(
    study: str,
    jobs: list[Job],
    *,
    wall_seconds: float,
    gpus: int,
    device: str,
    checkpoint_bytes: float,
    memory: Sequence[str],
    notes: list[str],
    first: Sequence[str] = (),
) -> str:
    """Return the plan as Markdown.

    Args:
        study: its name.
        wall_seconds: that what is left takes on `gpus` devices.
        device: whose speeds these are.
        checkpoint_bytes: that checkpoints take meanwhile.
        memory: lines on the memory that jobs ask for and take.
        notes: paragraphs at the end.
        first: paragraphs before the cost.
    """
    everything, remaining = total(jobs), total(left(jobs))
    on_device = f"on {one_of(device)}"
    temporary = sum(job.disk_bytes for job in jobs if job.temporary)
    lines = [
        f"# What the study '{study}' costs",
        "",
        *(line for paragraph in first for line in (paragraph, "")),
        _to_run(everything, remaining, on_device, wall=format_duration(wall_seconds), gpus=gpus),
        "",
        *_lens_table(jobs),
        "",
        *_kind_table(jobs),
        "",
        f"Disk: {format_bytes(everything.disk_bytes)} at the end. While it runs, checkpoints take "
        f"up to {format_bytes(checkpoint_bytes)} more"
        + (
            f", and betons that are deleted after use {format_bytes(temporary)}."
            if temporary
            else "."
        ),
        "",
        *memory,
        "",
        "Images per second are from:",
        "",
    ]
    for how, group in _by_speed(jobs).items():
        kinds = ", ".join(sorted({job.kind for job in group}))
        lines.append(f"- {how} ({kinds}: {len(group)} jobs)")
    return "\n".join([*lines, *(["", *notes] if notes else []), ""])


def one_of(device: str) -> str:
    """Return `one A100`: an estimate of hours is of one device."""
    return f"one {device or 'device'}"


def _to_run(everything: Sum, remaining: Sum, on_device: str, *, wall: str, gpus: int) -> str:
    """The cost of what is left, and of all, in two sentences."""
    whole = f"{hours(everything.hours)} {on_device}"
    if everything.done == everything.jobs:
        are = "is" if everything.jobs == 1 else "are"
        jobs = f"{count_of(everything.jobs)} {are} done"
        return f"Nothing is left to run: {jobs}, estimated at {whole}."
    spread = f", {wall} on {gpus}" if gpus > 1 else ""
    return (
        f"To run: **{hours(remaining.hours)} {on_device}**{spread}; and "
        f"{hours(remaining.core_hours)} of a CPU core for betons. The whole study is "
        f"{count_of(everything.jobs)} and {whole}; done: {count_of(everything.done)}."
    )


def count_of(jobs: int) -> str:
    """Return `1 job`, `1,281 jobs`."""
    return f"{jobs:,} job{'' if jobs == 1 else 's'}"


def _lens_table(jobs: list[Job]) -> list[str]:
    lines = [
        "| lens | hours by itself | only this lens adds | jobs | shared with other lenses "
        "| left to do |",
        "|---|---|---|---|---|---|",
    ]
    for lens in lenses_of(jobs):
        group = of_lens(jobs, lens)
        alone, rest = hours(total(only_of_lens(jobs, lens)).hours), hours(total(left(group)).hours)
        by_itself = total(group)
        lines.append(
            f"| {lens} | {hours(by_itself.hours)} | {alone} | {by_itself.jobs} "
            f"| {len(shared(group))} | {rest} |"
        )
    common, everything = shared(jobs), total(jobs)
    rest = hours(total(left(common)).hours)
    lines.append(
        f"| shared by several | {hours(total(common).hours)} | | {len(common)} | | {rest} |"
    )
    rest = hours(total(left(jobs)).hours)
    lines.append(
        f"| **all, each job once** | **{hours(everything.hours)}** | | {everything.jobs} | "
        f"| **{rest}** |"
    )
    return lines


def _kind_table(jobs: list[Job]) -> list[str]:
    lines = [
        "| kind of job | jobs | done | hours | left | disk | unknown |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        group = [job for job in jobs if job.kind == kind]
        if group:
            lines.append(_kind_line(kind, total(group), total(left(group))))
    return lines


def _kind_line(kind: str, everything: Sum, remaining: Sum) -> str:
    spent, rest, unit = everything.hours, remaining.hours, ""
    disk = format_bytes(everything.disk_bytes) if everything.disk_bytes else "–"
    if kind == "beton":
        spent, rest, unit = everything.core_hours, remaining.core_hours, " of a core"
    return (
        f"| {kind} | {everything.jobs} | {everything.done} | {hours(spent)}{unit} "
        f"| {hours(rest)}{unit} | {disk} | {everything.unknown} |"
    )


def _by_speed(jobs: list[Job]) -> dict[str, list[Job]]:
    """Return the jobs that compute something by where their speeds come from."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        if job.images != 0:
            for how in job.how.split("; "):
                groups.setdefault(how, []).append(job)
    return groups


def hours(value: float) -> str:
    """Return hours in three digits, as minutes below one."""
    if value < 1:
        return f"{60 * value:.1f} min"
    return f"{value:,.1f} h" if value < 100 else f"{value:,.0f} h"


def _hours_cell(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:.5f}"


def _megabytes_cell(memory: float | None) -> str:
    return "" if memory is None else f"{memory / MB:.0f}"

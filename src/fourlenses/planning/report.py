"""The plan as a table of jobs (plan.csv) and as a page to read (plan.md, which is what the terminal shows)."""

from pathlib import Path

from fourlenses.core.files import write_csv
from fourlenses.core.units import format_bytes
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
from fourlenses.study.vocabulary import LENSES

CAPTION = (
    "The cost of the study: hours and runs per lens. A run that several lenses share is counted "
    "once in the total; what is done already is left out."
)
COLUMNS = (
    *(
        "kind",
        "job",
        "lenses",
        "images",
        "images_per_second",
        "hours",
        "hours_of",
        "done",
        "disk_gb",
        "start_hour",
        "end_hour",
    ),
    "reckoned_from",
)


def write_jobs(jobs: list[Job], times: dict[str, tuple[float, float]], file: Path) -> None:
    """One row per job. hours: of devices, or of CPU cores (hours_of says which); empty where unknown. start and end of what is left."""
    in_order = sorted(jobs, key=lambda job: (KINDS.index(job.kind), job.key))
    write_csv(file, COLUMNS, (_row(job, *times.get(job.key, (None, None))) for job in in_order))


def _row(job: Job, start: float | None, end: float | None) -> list[object]:
    return [
        job.kind,
        job.key,
        ";".join(lens for lens in LENSES if lens in job.lenses),
        "" if job.images is None else job.images,
        f"{job.images / job.seconds:.4g}" if job.images and job.seconds else "",
        _number(job.seconds),
        "core" if job.on_cpu else "device",
        "yes" if job.done else "no",
        f"{job.disk_bytes / 1e9:.3f}",
        _number(start),
        _number(end),
        job.how,
    ]


def page(
    study: str,
    jobs: list[Job],
    wall_seconds: float,
    gpus: int,
    device: str,
    checkpoints: float,
    notes: list[str],
) -> str:
    """Markdown."""
    everything, remaining = total(jobs), total(left(jobs))
    lines = [
        f"# What the study '{study}' costs",
        "",
        f"{everything.jobs} jobs, {everything.done} of them done. Left: **{hours(remaining.hours)} of {device or 'a device'}**, which on "
        f"{gpus} of them take {hours(wall_seconds / 3600)}, betons included ({hours(remaining.core_hours)} of a core). "
        f"In all: {hours(everything.hours)}.",
        "",
        "| lens | hours by itself | only this lens adds | jobs | shared with other lenses | left to do |",
        "|---|---|---|---|---|---|",
    ]
    for lens in lenses_of(jobs):
        own = of_lens(jobs, lens)
        cells = [total(own), total(only_of_lens(jobs, lens)), total(left(own))]
        by_itself, alone, rest = (hours(one.hours) for one in cells)
        lines.append(
            f"| {lens} | {by_itself} | {alone} | {cells[0].jobs} | {len(shared(own))} | {rest} |"
        )
    common = shared(jobs)
    lines.append(
        f"| shared by several | {hours(total(common).hours)} | | {len(common)} | | {hours(total(left(common)).hours)} |"
    )
    lines.append(
        f"| **all, each job once** | **{hours(everything.hours)}** | | {everything.jobs} | | **{hours(remaining.hours)}** |"
    )
    lines += [
        "",
        "| kind of job | jobs | done | hours | left | disk | unknown |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        own = [job for job in jobs if job.kind == kind]
        if own:
            lines.append(_kind_line(kind, total(own), total(left(own))))
    passing = sum(job.disk_bytes for job in jobs if job.temporary)
    lines += [
        "",
        f"Disk: {format_bytes(everything.disk_bytes)} stay. Meanwhile checkpoints take up to {format_bytes(checkpoints)}, and betons that",
    ]
    lines += [
        f"are deleted when they have been used {format_bytes(passing)} if all are there at once.",
        "",
    ]
    lines += ["Images per second are from:", ""]
    for how, own in _reckoned(jobs).items():
        lines.append(f"- {how} ({', '.join(sorted({job.kind for job in own}))}: {len(own)} jobs)")
    return "\n".join([*lines, *(["", *notes] if notes else []), ""])


def _kind_line(kind: str, everything: Sum, remaining: Sum) -> str:
    spent = everything.core_hours if kind == "beton" else everything.hours
    rest = remaining.core_hours if kind == "beton" else remaining.hours
    unit = " of a core" if kind == "beton" else ""
    return (
        f"| {kind} | {everything.jobs} | {everything.done} | {hours(spent)}{unit} | {hours(rest)}{unit} | "
        f"{format_bytes(everything.disk_bytes)} | {everything.unknown} |"
    )


def _reckoned(jobs: list[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in jobs:
        if job.images != 0:
            for how in job.how.split("; "):
                found.setdefault(how, []).append(job)
    return found


def hours(value: float) -> str:
    """Three digits, in minutes below an hour."""
    if value < 1:
        return f"{60 * value:.1f} min"
    return f"{value:,.1f} h" if value < 100 else f"{value:,.0f} h"


def _number(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 3600:.5f}"

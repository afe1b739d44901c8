"""The plan of a study beside what its finished jobs took."""

import csv
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.planning.jobs import Job
from fourlenses.planning.plan import StudyPlan
from fourlenses.study.layout import RUN, Layout
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS


def cpu_seconds(job: Job, root: Path, layout: Layout) -> float | None:
    """CPU time of a finished job by its benchmark, start included: on a shared CPU, unlike its clock, not longer for others' work."""
    benchmark = root / layout.benchmark(job.key)
    if not benchmark.exists():
        return None
    with open(benchmark, newline="", encoding="utf-8") as file:
        line = next(csv.DictReader(file, delimiter="\t"))
    return float(line["cpu_time"]) if line.get("cpu_time", "NA") not in ("NA", "-", "") else None


def actual_seconds(job: Job, root: Path, layout: Layout) -> tuple[float, str] | None:
    """Device-seconds that a finished job took, and by what record: trainings by their own clock, features by the benchmark of the job
    (start and reading included). None where there is no record."""
    if job.kind == "pretrain":
        record = job.outputs[0].with_name(RUN)
        if record.exists() and job.images:
            run = read_json(record)
            return run["wall_time_seconds"] * run["effective"].get("processes", 1), RUN
    elif job.kind in TRAINING_PROTOCOLS and job.outputs[0].exists():
        timing = read_json(job.outputs[0])["cells"][0]["timing"]
        return sum(timing.values()) * job.devices, "timing"
    elif job.kind == "features" and job.outputs[0].exists():
        benchmark = root / layout.benchmark(job.key)
        if benchmark.exists():
            with open(benchmark, newline="", encoding="utf-8") as file:
                return float(next(csv.DictReader(file, delimiter="\t"))["s"]), "benchmark"
    return None


def compare(plan: StudyPlan, root: Path = Path()) -> list[dict]:
    """A row per finished job: kind, job, estimated and actual seconds, their ratio, and the record.

    Raises:
        UserError: nothing is finished yet.
    """
    rows = []
    for key, job in sorted(plan.jobs.items()):
        found = actual_seconds(job, root, plan.layout)
        if found and job.seconds and found[0] > 0:
            actual, record = found
            estimated = (
                job.held if record == "benchmark" else job.seconds
            )  # a training's own clock runs from its first step on
            row = {
                "kind": job.kind,
                "job": key,
                "estimated": estimated,
                "actual": actual,
                "ratio": estimated / actual,
                "record": record,
            }
            rows.append(row | {"cpu": cpu_seconds(job, root, plan.layout)})
    if not rows:
        raise UserError(
            f"{root / plan.layout.results} holds no finished job with a record of its time; run the study first"
        )
    return rows


def table(rows: list[dict]) -> str:
    """Markdown: the jobs, and sums per kind."""
    lines = [
        "| job | estimated s | actual s | estimated / actual | record | CPU s of the job |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['job']} | {row['estimated']:.1f} | {row['actual']:.1f} | {row['ratio']:.2f} | {row['record']} | "
        f"{'' if row['cpu'] is None else format(row['cpu'], '.1f')} |"
        for row in rows
    ]
    lines += [
        "",
        "| kind | jobs | estimated s | actual s | estimated / actual | smallest | largest |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in [*dict.fromkeys(row["kind"] for row in rows), None]:
        own = [row for row in rows if kind in (None, row["kind"])]
        estimated, actual = (sum(row[key] for row in own) for key in ("estimated", "actual"))
        ratios = [row["ratio"] for row in own]
        sums = [
            f"{estimated:.1f}",
            f"{actual:.1f}",
            *(f"{ratio:.2f}" for ratio in (estimated / actual, min(ratios), max(ratios))),
        ]
        lines.append(f"| {kind or 'all'} | {len(own)} | {' | '.join(sums)} |")
    return "\n".join(lines)

"""The plan of a study compared with what its finished jobs took."""

import csv
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.planning.jobs import Job
from fourlenses.planning.memory import report as memory_report
from fourlenses.planning.plan import StudyPlan
from fourlenses.study.layout import RUN
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A finished job.

    Args:
        kind: of the job.
        job: its key.
        estimated: seconds of devices, or of a core.
        actual: the same as measured.
        record: what measured it: run.json, timing (of a record) or benchmark.
        cpu: seconds of CPU time, start included; None: not measured.
        memory: MB at its peak, all its processes together; None: not measured.
    """

    kind: str
    job: str
    estimated: float
    actual: float
    record: str
    cpu: float | None
    memory: float | None = None

    @property
    def ratio(self) -> float:
        """The estimate over what it took."""
        return self.estimated / self.actual


def measured_by_snakemake(benchmark: Path, column: str) -> float | None:
    """Return a number of a job's benchmark; None where it was not measured.

    `cpu_time` is on a shared CPU, unlike the wall time, not longer for the work of others.
    `max_rss` is the largest memory, MB. A job that ended before Snakemake's first measurement has
    0, which is none.
    """
    text = _benchmark(benchmark).get(column, "NA")
    return None if text in ("NA", "-", "") else float(text) or None


def actual_seconds(job: Job, benchmark: Path) -> tuple[float, str] | None:
    """Return the device-seconds that a job took, and the record that says so.

    Trainings have their own clock; features have the benchmark of the job, start and reading
    included.

    Returns:
        None where there is no record.
    """
    output = job.outputs[0]
    if job.kind == "pretrain":
        record = output.with_name(RUN)
        if record.exists() and job.images:
            run = read_json(record)
            return run["wall_time_seconds"] * run["effective"].get("processes", 1), RUN
    elif job.kind in TRAINING_PROTOCOLS and output.exists():
        timing = read_json(output)["cells"][0]["timing"]
        return sum(timing.values()) * job.devices, "timing"
    elif job.kind == "features" and output.exists() and benchmark.exists():
        return float(_benchmark(benchmark)["s"]), "benchmark"
    return None


def _benchmark(file: Path) -> dict[str, str]:
    """Return what Snakemake measured of a job; empty where there is no such file."""
    if not file.exists():
        return {}
    with open(file, newline="", encoding="utf-8") as opened:
        return next(csv.DictReader(opened, delimiter="\t"))


def compare(plan: StudyPlan, root: Path = Path()) -> list[Comparison]:
    """Return every finished job whose time is known and was estimated.

    Args:
        root: the folder of results/.

    Raises:
        UserError: no job is finished yet.
    """
    rows = []
    for key, job in sorted(plan.jobs.items()):
        benchmark = root / plan.layout.benchmark(key)
        measured = actual_seconds(job, benchmark)
        if measured and job.seconds and measured[0] > 0:
            actual, record = measured
            # a training's own clock runs from its first step on
            estimated = job.held if record == "benchmark" else job.seconds
            rows.append(
                Comparison(
                    kind=job.kind,
                    job=key,
                    estimated=estimated,
                    actual=actual,
                    record=record,
                    cpu=measured_by_snakemake(benchmark, "cpu_time"),
                    memory=measured_by_snakemake(benchmark, "max_rss"),
                )
            )
    if not rows:
        raise UserError(
            f"{root / plan.layout.results} holds no finished job with a record of its time; "
            "run the study first"
        )
    return rows


def memory_table(plan: StudyPlan) -> str:
    """Return Markdown: predicted and measured memory of the jobs that have run, by rule."""
    known = ((str(job.benchmark), job.benchmark) for job in plan.memory)
    measured = {
        name: memory
        for name, benchmark in known
        if (memory := measured_by_snakemake(benchmark, "max_rss")) is not None
    }
    return "\n".join(memory_report.check(plan.memory, measured))


def table(rows: list[Comparison]) -> str:
    """Return Markdown: the jobs, and sums per kind."""
    lines = [
        "| job | estimated s | actual s | estimated / actual | record | CPU s of the job "
        "| peak memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cpu = "" if row.cpu is None else f"{row.cpu:.1f}"
        memory = "" if row.memory is None else f"{row.memory:.0f}"
        lines.append(
            f"| {row.job} | {row.estimated:.1f} | {row.actual:.1f} | {row.ratio:.2f} "
            f"| {row.record} | {cpu} | {memory} |"
        )
    lines += [
        "",
        "| kind | jobs | estimated s | actual s | estimated / actual | smallest | largest "
        "| most memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(row.kind for row in rows):
        lines.append(_sum_line(kind, [row for row in rows if row.kind == kind]))
    return "\n".join([*lines, _sum_line("all", rows)])


def _sum_line(kind: str, rows: list[Comparison]) -> str:
    estimated, actual = sum(row.estimated for row in rows), sum(row.actual for row in rows)
    ratios = [row.ratio for row in rows]
    memories = [row.memory for row in rows if row.memory is not None]
    most = f"{max(memories):,.0f}" if memories else ""
    return (
        f"| {kind} | {len(rows)} | {estimated:.1f} | {actual:.1f} | {estimated / actual:.2f} "
        f"| {min(ratios):.2f} | {max(ratios):.2f} | {most} |"
    )

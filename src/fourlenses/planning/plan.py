"""The plan of a study: from a completed config to jobs, speeds and wall time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fourlenses.lenses.known_sizes import possible_plan
from fourlenses.planning import report
from fourlenses.planning.disk import checkpoint_bytes
from fourlenses.planning.jobs import Job, Jobs
from fourlenses.planning.memory import report as memory_report
from fourlenses.planning.memory.jobs import Asked
from fourlenses.planning.memory.rules import RuleJob, rule_jobs
from fourlenses.planning.schedule import schedule
from fourlenses.planning.throughput import SHIPPED, Throughput, read_table
from fourlenses.study.layout import CALIBRATION, Layout
from fourlenses.workflow.changed_settings import changed_keys, in_words
from fourlenses.workflow.outdated import counted as counted_reasons


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """The cost of a study.

    Args:
        layout: of the study's files.
        jobs: by key.
        times: start and end in seconds of the jobs that are left, by key.
        device: whose speeds these are.
        gpus: devices that the jobs are spread over.
        checkpoint_bytes: that checkpoints take meanwhile.
        memory: jobs with the memory that they take.
        asked: memory that the rules ask for, MB by rule.
        notes: sentences for the reader.
    """

    layout: Layout
    jobs: dict[str, Job]
    times: dict[str, tuple[float, float]]
    device: str
    gpus: int
    checkpoint_bytes: float
    memory: list[RuleJob]
    asked: Asked
    notes: list[str]

    @property
    def wall_seconds(self) -> float:
        """Seconds until all that is left is done."""
        return max((end for _, end in self.times.values()), default=0.0)

    def page(self, first: Sequence[str] = ()) -> str:
        """Return the plan as Markdown.

        Args:
            first: paragraphs before the cost.
        """
        return report.page(
            self.layout.study,
            list(self.jobs.values()),
            first=first,
            wall_seconds=self.wall_seconds,
            gpus=self.gpus,
            device=self.device,
            checkpoint_bytes=self.checkpoint_bytes,
            memory=memory_report.page(self.memory, self.asked),
            notes=self.notes,
        )


def speeds(config: dict, root: Path = Path()) -> Throughput:
    """Return the speeds of the user's table, of this machine and of the shipped table, in order.

    Raises:
        UserError: see `read_table` and `Throughput`.
    """
    given = [root / config["plan"]["throughput"]] if config["plan"]["throughput"] else []
    measured = sorted((root / CALIBRATION).glob("*.csv"), key=lambda file: -file.stat().st_mtime)
    tables = [read_table(file) for file in [*given, *measured, SHIPPED]]
    return Throughput(tables, config["plan"]["device"])


def plan_study(
    config: dict,
    root: Path = Path(),
    calibrated: Path | None = None,
    *,
    outdated: Mapping[str, str] | None = None,
    asked: Asked | None = None,
) -> StudyPlan:
    """Return the plan of a study.

    Args:
        config: completed.
        root: the folder of data/ and results/.
        calibrated: the folder whose data/calibration counts, where it is another.
        outdated: outputs that Snakemake would make again, and why; None: not known.
        asked: memory that the rules ask for, MB by rule; None: not known.

    Raises:
        UserError: see `possible_plan`, `speeds`, `Jobs` and `schedule`.
    """
    throughput = speeds(config, calibrated or root)
    known = possible_plan(config, root)
    jobs = Jobs(config, known.plan, throughput, root=root, outdated=outdated, asked=asked)
    gpus = config["plan"]["gpus"]
    measured = any(((calibrated or root) / CALIBRATION).glob("*.csv"))
    notes = list(known.notes)
    if changed := in_words(changed_keys(config, root / jobs.layout.study_record)):
        counted = "" if outdated is not None else " These are not counted here."
        notes.append(f"{changed[0].upper()}{changed[1:]}.{counted}")
    if again := [job.outdated for job in jobs.all.values() if job.outdated]:
        notes.append(
            f"{len(again)} jobs that were done are made again and counted here, as Snakemake says "
            f"({counted_reasons(again)})."
        )
    if not (config["plan"]["device"] or config["plan"]["throughput"] or measured):
        notes.append(
            f"The hours are estimated with the speeds of {throughput.device}; this machine's own "
            "speeds were not measured (snakemake calibrate does)."
        )
    return StudyPlan(
        layout=jobs.layout,
        jobs=jobs.all,
        times=schedule(jobs.all, gpus),
        device=throughput.device,
        gpus=gpus,
        checkpoint_bytes=checkpoint_bytes(config, jobs.plan.runs, _trainings_at_once(jobs, gpus)),
        memory=rule_jobs(jobs),
        asked=asked or {},
        notes=notes + _notes_on(jobs, root),
    )


def _trainings_at_once(jobs: Jobs, gpus: int) -> int:
    devices = [
        job.devices
        for job in jobs.all.values()
        if job.kind not in ("beton", "features") and job.images != 0
    ]
    return max(1, gpus // min(devices, default=1))


def _notes_on(jobs: Jobs, root: Path) -> list[str]:
    notes = []
    table = root / jobs.layout.metrics
    if table.exists() and any(not job.done for job in jobs.all.values()):
        notes.append(
            f"{table} is there, so that Snakemake counts the study as done, unless asked for "
            "evaluate_all; this is the cost of making it again."
        )
    unknown = [job for job in jobs.all.values() if job.seconds is None]
    if unknown:
        notes.append(
            f"The sums leave out {len(unknown)} jobs whose time is unknown, e.g. "
            f"{unknown[0].key}: {unknown[0].how}."
        )
    return notes

"""Every job of a study with its state, from its files: outputs, locks, progress files, logs."""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fourlenses.status.checkpoints import (
    has_cached_results,
    newest_holder,
    newest_step,
    read_progress,
)
from fourlenses.status.job import KINDS, STATES, Job
from fourlenses.status.logs import Bar, ending
from fourlenses.status.planned import Planned
from fourlenses.status.work import Work, work
from fourlenses.study import Plan
from fourlenses.study.layout import job_of
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH, LENSES

# A job without a lock counts as running while its log is younger: some computations print nothing
# for minutes.
QUIET_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A study at one moment.

    Args:
        study: its name.
        origin: the files that its plan was read from.
        time: seconds since 1970.
        betons: how many image files exist, of how many.
        metrics: the table of all numbers.
        finished: the table exists.
        report: the page of all numbers.
        work: how much of it is done.
        bytes: on disk, by directory.
    """

    study: str
    origin: str
    time: float
    jobs: list[Job]
    betons: tuple[int, int]
    metrics: Path
    finished: bool
    report: Path
    work: Work
    bytes: dict[str, int]

    def count(self, kind: str, state: str | None = None, lens: str | None = None) -> int:
        """Return the number of jobs of a kind, in a state and of a lens where these are given."""
        return sum(
            job.kind == kind
            and (state is None or job.state == state)
            and (lens is None or lens in job.lenses)
            for job in self.jobs
        )

    def lenses(self) -> list[str]:
        """Return the lenses that have jobs, in the order of the vocabulary."""
        return [lens for lens in LENSES if any(lens in job.lenses for job in self.jobs)]

    def table(self) -> Iterator[tuple[str, str, list[int], int]]:
        """Yield a lens's name, a kind, the jobs in each of `STATES`, and all jobs of the kind.

        The name stands at a lens's first kind only. Last come the rows of all lenses, which are no
        sums, as lenses share jobs.
        """
        for lens in [*self.lenses(), None]:
            for kind in KINDS:
                name = (lens or "all lenses") if kind == KINDS[0] else ""
                counts = [self.count(kind, state, lens) for state in STATES]
                yield name, kind, counts, self.count(kind, lens=lens)

    @property
    def over(self) -> bool:
        """Nothing more is to come: all jobs are done, and the report is there or not asked for."""
        if not self.finished or any(job.state != "done" for job in self.jobs):
            return False
        return self.report.exists() or (_age(self.metrics) or 0.0) > QUIET_SECONDS

    def in_state(self, state: str) -> list[Job]:
        """Return the jobs in a state."""
        return [job for job in self.jobs if job.state == state]


def survey(study: Planned, root: Path, outdated: Mapping[str, str] | None = None) -> Survey:
    """Inspect all files of a study once.

    Args:
        study: its plan.
        root: the folder with data/ and results/.
        outdated: of outputs that Snakemake would make again, why (`workflow.outdated`).
    """
    layout, betons = study.layout, study.betons()
    results, metrics = root / layout.results, root / layout.metrics
    datasets = [root / dataset for dataset in sorted({beton.rsplit("/", 2)[0] for beton in betons})]
    jobs = [*_encoders(study, root), *_evaluations(study, root)]
    for job in jobs:
        if job.state == "done" and (why := (outdated or {}).get(job.output)):
            job.state, job.note = "changed", why
    return Survey(
        study=study.name,
        origin=study.origin,
        time=time.time(),
        jobs=jobs,
        betons=(sum((root / beton).exists() for beton in betons), len(betons)),
        metrics=metrics,
        finished=metrics.exists(),
        report=root / layout.report,
        work=work(study, jobs, root),
        bytes={str(directory): disk_usage(directory) for directory in (results, *datasets)},
    )


def _encoders(study: Planned, root: Path) -> Iterable[Job]:
    lenses, layout = _lenses_of_encoders(study.plan), study.layout
    for run in study.plan.runs:
        # the import of an external encoder is what may fail, not its links for each seed
        name = f"import/{run.source}" if run.method == EXTERNAL else f"pretrain/{run.name}"
        log = root / layout.log(name)
        job = Job(
            kind="encoders",
            name=run.name,
            lenses=lenses[run.name],
            log=log,
            output=layout.run_record(run.name),
        )
        _find_state(job, root, root / layout.checkpoints(run.name))
        yield job


def _lenses_of_encoders(plan: Plan) -> dict[str, set[str]]:
    lenses: dict[str, set[str]] = defaultdict(set)
    for cell, of_cell in plan.cells.items():
        if cell.protocol not in FROM_SCRATCH:
            for encoder in cell.run.encoders:
                lenses[encoder.name] |= of_cell
    return lenses


def _evaluations(study: Planned, root: Path) -> Iterable[Job]:
    layout = study.layout
    lenses: dict[str, set[str]] = defaultdict(set)
    for cell, of_cell in study.plan.cells.items():
        lenses[cell.record] |= of_cell
    for record in study.plan.records:
        name = f"evaluate/{job_of(record)}"
        log = root / layout.log(name)
        job = Job(
            kind="evaluations",
            name=job_of(record),
            lenses=lenses[record],
            log=log,
            output=layout.evaluation(record),
        )
        _find_state(job, root, root / layout.checkpoints(name))
        yield job


def _find_state(job: Job, root: Path, checkpoints: Path) -> None:
    """Fill in the state of a job, its note and its progress."""
    if (root / job.output).exists():
        job.state = "done"
        return
    holder, end = newest_holder(checkpoints), ending(job.log)
    ended = end is not None and (end.failed or end.stopped)
    if holder is None and not ended and has_cached_results(checkpoints):
        job.note = "trained; unless its settings changed, the next run puts its files back"
    elif holder and holder.alive:
        job.state, job.note = "running", holder.description
        _add_progress(job, read_progress(holder.directory), end.bar if end else None)
    elif end and end.failed:
        job.state, job.note = "failed", end.last_line
    elif end and end.stopped:
        job.note = end.last_line
    elif holder:
        minutes = holder.silent_seconds / 60
        job.state = "stale"
        job.note = (
            f"{holder.description} has ended or shown no sign of life for {minutes:.0f} min; "
            "its log ends in no error"
        )
    elif end is None:
        step = newest_step(checkpoints) if job.kind == "encoders" else None
        job.note = f"has a checkpoint of step {step}" if step else ""
    else:
        quiet = _age(job.log)
        if quiet is not None and quiet < QUIET_SECONDS:
            job.state = "running"
            job.note = f"log of {quiet:.0f} s ago" if end.last_line else "starting"
            _add_progress(job, None, end.bar)
        else:
            job.state = "stale"
            minutes = (quiet or 0) / 60
            job.note = f"its log ended {minutes:.0f} min ago, without an error or a result"


def _add_progress(job: Job, progress: dict | None, bar: Bar | None) -> None:
    """progress: of the training's own file; where there is none the bar in its log counts."""
    if progress:
        job.step, job.total = progress.get("step"), progress.get("total_steps")
        job.epoch, job.total_epochs = progress.get("epoch"), progress.get("total_epochs")
        job.images_per_second = progress.get("images_per_second")
        job.seconds_left = progress.get("seconds_left")
    elif bar:
        job.step, job.total, job.unit = bar.done, bar.total, bar.unit
        job.images_per_second, job.seconds_left = bar.images_per_second, bar.seconds_left


def _age(file: Path) -> float | None:
    """Return the seconds since a file was changed."""
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except OSError:
        return None


def disk_usage(directory: Path, counted: set[int] | None = None) -> int:
    """Return the bytes on disk of the files below a directory.

    A file of several names counts once, and one that vanishes meanwhile not at all.

    Args:
        counted: inodes of files that have several names and count already.
    """
    total, counted = 0, set() if counted is None else counted
    for entry in _entries(directory):
        try:
            if entry.is_dir(follow_symlinks=False):
                total += disk_usage(Path(entry.path), counted)
                continue
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if status.st_nlink > 1:
            if status.st_ino in counted:
                continue
            counted.add(status.st_ino)
        total += status.st_blocks * 512
    return total


def _entries(directory: Path) -> Iterable[os.DirEntry]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []

"""Every job of a study with its state, from the files it left: outputs, owner files, live progress, logs."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fourlenses.status.logs import Ending, ending
from fourlenses.status.owners import checkpoint_step, has_finished, live_progress, newest_owner
from fourlenses.status.planned import Planned
from fourlenses.study.layout import job_of
from fourlenses.study.vocabulary import FROM_SCRATCH, LENSES

STATES = ("done", "running", "stale", "failed", "waiting")
KINDS = ("encoders", "evaluations")
QUIET_SECONDS = 900.0  # a job without an owner file counts as running while its log is younger: some computations say nothing for minutes


@dataclass
class Job:
    """One encoder to pretrain, or one file of evaluations. What is not known is None.

    state: done; running: shows signs of life; stale: began, shows none and has said nothing; failed: its log ends in an error; waiting:
    not begun, or stopped by itself to be continued. note: a sentence on it. step and total in ``unit``; epochs are passes over the images.
    """

    kind: str
    name: str
    lenses: set[str]
    state: str = "waiting"
    note: str = ""
    log: Path | None = None
    step: int | None = None
    total: int | None = None
    unit: str = "steps"
    epoch: float | None = None
    total_epochs: float | None = None
    images_per_second: float | None = None
    seconds_left: int | None = None


@dataclass
class Survey:
    """A study at one moment (``time``, seconds since 1970). betons: how many image files there are, of how many. bytes of its folders."""

    study: str
    origin: str
    time: float
    jobs: list[Job]
    betons: tuple[int, int]
    finished: bool
    metrics: Path
    bytes: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, state: str | None = None, lens: str | None = None) -> int:
        return sum(
            job.kind == kind
            and (state is None or job.state == state)
            and (lens is None or lens in job.lenses)
            for job in self.jobs
        )

    def lenses(self) -> list[str]:
        return [lens for lens in LENSES if any(lens in job.lenses for job in self.jobs)]

    def in_state(self, state: str) -> list[Job]:
        return [job for job in self.jobs if job.state == state]


def survey(study: Planned, root: Path) -> Survey:
    """Look at everything once. ``root``: the folder with data/ and results/."""
    layout = study.layout
    folder = root / layout.results
    jobs = []
    for run in study.plan.runs:
        lenses = {
            lens
            for cell, looking in study.plan.cells.items()
            if cell.protocol not in FROM_SCRATCH and run in cell.run.encoders
            for lens in looking
        }
        log = root / layout.log(f"pretrain/{run.name}")
        job = Job("encoders", run.name, lenses, log=log)
        _find_state(job, root / layout.run_record(run.name), root / layout.checkpoints(run.name))
        jobs.append(job)
    for record in study.plan.records:
        lenses = {
            lens
            for cell, looking in study.plan.cells.items()
            if cell.record == record
            for lens in looking
        }
        name = f"evaluate/{job_of(record)}"
        job = Job("evaluations", job_of(record), lenses, log=root / layout.log(name))
        _find_state(job, root / layout.evaluation(record), root / layout.checkpoints(name))
        jobs.append(job)
    betons = study.betons()
    datasets = [root / dataset for dataset in sorted({beton.rsplit("/", 2)[0] for beton in betons})]
    sizes = {str(directory): _bytes(directory) for directory in (folder, *datasets)}
    written = sum((root / beton).exists() for beton in betons)
    return Survey(
        study.name,
        study.origin,
        time.time(),
        jobs,
        (written, len(betons)),
        (root / layout.metrics).exists(),
        root / layout.metrics,
        sizes,
    )


def _find_state(job: Job, output: Path, checkpoints: Path) -> None:
    if output.exists():
        job.state = "done"
        return
    owner, end = newest_owner(checkpoints), ending(job.log)
    if owner is None and not (end and (end.failed or end.stopped)) and has_finished(checkpoints):
        job.note = "trained; unless its settings changed, the next run puts its files back"
        return
    if end is None and owner is None:
        step = checkpoint_step(checkpoints) if job.kind == "encoders" else None
        job.note = f"has a checkpoint of step {step}" if step else ""
        return
    quiet = _age(job.log)
    if owner and owner.alive:
        job.state, job.note = "running", owner.who
        _add_progress(job, live_progress(owner.folder), end)
    elif end and end.failed:
        job.state, job.note = "failed", end.last_line
    elif end and end.stopped:
        job.note = end.last_line
    elif owner:
        job.state = "stale"
        job.note = f"{owner.who} has ended or shown no sign of life for {owner.silent_seconds / 60:.0f} min; its log ends in no error"
    elif quiet is not None and quiet < QUIET_SECONDS:
        job.state, job.note = (
            "running",
            f"log of {quiet:.0f} s ago" if end.last_line else "starting",
        )
        _add_progress(job, None, end)
    else:
        job.state, job.note = (
            "stale",
            f"its log ended {(quiet or 0) / 60:.0f} min ago, without an error or a result",
        )


def _add_progress(job: Job, live: dict | None, end: Ending | None) -> None:
    """From the file a training keeps for that, or else from the progress bar in its log."""
    if live:
        job.step, job.total = live.get("step"), live.get("total_steps")
        job.epoch, job.total_epochs = live.get("epoch"), live.get("total_epochs")
        job.images_per_second, job.seconds_left = (
            live.get("images_per_second"),
            live.get("seconds_left"),
        )
    elif end and end.bar:
        job.step, job.total, job.seconds_left, job.images_per_second = end.bar[:4]
        job.unit = end.unit


def _age(file: Path) -> float | None:
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except OSError:
        return None


def _bytes(folder: Path, seen: set[int] | None = None) -> int:
    """Taken on the disk by the files below, one of several names once; what vanishes meanwhile counts nothing. seen: inodes with names."""
    total, seen = 0, set() if seen is None else seen
    for entry in _entries(folder):
        try:
            if entry.is_dir(follow_symlinks=False):
                total += _bytes(Path(entry.path), seen)
                continue
            found = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if found.st_nlink > 1 and found.st_ino in seen:
            continue
        if found.st_nlink > 1:
            seen.add(found.st_ino)
        total += found.st_blocks * 512
    return total


def _entries(folder: Path) -> Iterable[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []

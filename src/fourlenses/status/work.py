"""How much of a study's work is done, and how long the rest takes.

Jobs are of very unequal length, so they count by the seconds that the plan gives them, and one that
runs by the share of its steps. What finished and running jobs really take corrects the plan.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.planning.compare import actual_seconds
from fourlenses.planning.jobs import Job as PlannedJob
from fourlenses.planning.jobs import Jobs
from fourlenses.planning.plan import speeds
from fourlenses.status.job import ENCODERS, Job
from fourlenses.status.planned import Planned
from fourlenses.study import Plan
from fourlenses.study.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Work:
    """The work of a study at one moment.

    Args:
        share: of it that is done, 0 to 1.
        seconds_left: with as many jobs at once as run now, or one; None: not known.
        measured: the seconds are those of jobs of this study; else they are the plan's.
    """

    share: float
    seconds_left: float | None
    measured: bool


def work(study: Planned, jobs: Iterable[Job], root: Path) -> Work:
    """Return how much of the work is done.

    Args:
        study: its plan.
        jobs: with their states.
        root: the folder with data/ and results/.
    """
    jobs, costs = list(jobs), costs_of(study.config, study.plan, root)
    if not jobs:
        return Work(share=1.0, seconds_left=0.0, measured=False)
    # where the plan cannot be read each job counts alike, and nothing is known of the time
    seconds = [costs[key].elapsed if (key := _key(job)) in costs else None for job in jobs]
    known = [value for value in seconds if value]
    usual = sum(known) / len(known) if known else 1.0
    weights = [usual if value is None else value for value in seconds]
    if not sum(weights):
        weights = [1.0] * len(jobs)
    done = sum(weight * _share(job) for job, weight in zip(jobs, weights, strict=True))
    pairs = list(_taken(study, jobs, costs, root=root))
    planned, actual = (sum(values) for values in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)
    factor = actual / planned if planned else None
    return Work(
        share=done / sum(weights),
        seconds_left=_left(jobs, weights, factor=factor, known=bool(known)),
        measured=factor is not None,
    )


def _left(
    jobs: list[Job], weights: list[float], *, factor: float | None, known: bool
) -> float | None:
    """Those that run say it themselves; of the others what the plan says, corrected."""
    unfinished = [pair for pair in zip(jobs, weights, strict=True) if pair[0].state != "done"]
    if not unfinished:
        return 0.0
    said = [job.seconds_left for job, _ in unfinished if job.state == "running"]
    if not known and (None in said or len(said) < len(unfinished)):
        return None
    lefts = [
        job.seconds_left
        if job.state == "running" and job.seconds_left is not None
        else weight * (1 - _share(job)) * (1.0 if factor is None else factor)
        for job, weight in unfinished
    ]
    at_once = sum(job.state == "running" for job in jobs) or 1
    return max(sum(lefts) / at_once, *lefts)


def _share(job: Job) -> float:
    if job.state == "done":
        return 1.0
    return min(job.step / job.total, 1.0) if job.step and job.total else 0.0


def _key(job: Job) -> str:
    return f"{'pretrain' if job.kind == ENCODERS else 'evaluate'}/{job.name}"


def costs_of(config: dict, plan: Plan, root: Path = Path()) -> dict[str, PlannedJob]:
    """Return the jobs of the plan, by key; none where it cannot be made, as of a record of another
    version."""
    try:
        return Jobs(config, plan, speeds(config, root), root=root).all
    except (UserError, KeyError, TypeError, ValueError):
        return {}


def seconds_by_benchmark(config: dict, plan: Plan) -> dict[str, float | None]:
    """Return the seconds of each job of the plan by its benchmark file; None where they are not
    known."""
    layout = Layout(config["study"], config["stored_size"])
    return {
        _benchmark(job, layout): None if job.seconds is None else job.elapsed
        for job in costs_of(config, plan).values()
    }


def _benchmark(job: PlannedJob, layout: Layout) -> str:
    """Of a conversion it lies next to its images, as several studies share them."""
    if job.kind != "beton":
        return layout.benchmark(job.key)
    file = job.outputs[0]
    return str(file.parent / "logs" / f"{file.stem}.benchmark.tsv")


def _taken(
    study: Planned, jobs: list[Job], costs: dict[str, PlannedJob], *, root: Path
) -> Iterator[tuple[float, float]]:
    """Yield, of jobs that ended or run, the seconds as planned and as measured."""
    for job in jobs:
        cost = costs.get(_key(job))
        if cost is None or not cost.elapsed or not cost.images:
            continue
        if job.state == "done":
            benchmark = root / study.layout.benchmark(_key(job))
            actual = _measured(cost, benchmark)
            if actual:
                yield cost.elapsed, actual
        elif job.state == "running" and job.seconds_left and _share(job) < 1:
            yield cost.elapsed, job.seconds_left / (1 - _share(job))


def _measured(cost: PlannedJob, benchmark: Path) -> float | None:
    """What a finished job took, start included; None where no record of it can be read."""
    try:
        record = actual_seconds(cost, benchmark)
    except (OSError, KeyError, TypeError, ValueError, IndexError):
        return None
    return None if record is None else cost.start + record[0] / cost.devices

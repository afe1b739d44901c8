"""From a completed config to the plan of its study: jobs, speeds, wall time; written and said."""

from dataclasses import dataclass
from pathlib import Path

from fourlenses.lenses.plan import make_plan
from fourlenses.planning import report
from fourlenses.planning.disk import checkpoint_bytes
from fourlenses.planning.jobs import Job, Jobs
from fourlenses.planning.schedule import schedule
from fourlenses.planning.throughput import SHIPPED, Throughput, read_table
from fourlenses.study.layout import CALIBRATION, Layout


@dataclass(frozen=True)
class StudyPlan:
    """jobs by key; start and end in seconds of those left; device: whose speeds these are."""

    layout: Layout
    jobs: dict[str, Job]
    times: dict[str, tuple[float, float]]
    device: str
    gpus: int
    checkpoint_bytes: float
    notes: list[str]

    @property
    def wall_seconds(self) -> float:
        return max((end for _, end in self.times.values()), default=0.0)

    def page(self) -> str:
        jobs = list(self.jobs.values())
        return report.page(
            self.layout.study,
            jobs,
            self.wall_seconds,
            self.gpus,
            self.device,
            self.checkpoint_bytes,
            self.notes,
        )


def speeds(config: dict, root: Path = Path()) -> Throughput:
    """The user's table, what was measured on this machine, the shipped table, in this order.

    Raises:
        UserError: see `read_table` and `Throughput`.
    """
    own = [root / config["plan"]["throughput"]] if config["plan"]["throughput"] else []
    measured = sorted((root / CALIBRATION).glob("*.csv"), key=lambda file: -file.stat().st_mtime)
    return Throughput(
        [read_table(file) for file in [*own, *measured, SHIPPED]], config["plan"]["device"]
    )


def plan_study(config: dict, root: Path = Path(), calibrated: Path | None = None) -> StudyPlan:
    """``root``: the folder of data/ and results/. calibrated: the one whose data/calibration counts, if another.

    Raises:
        UserError: see `make_plan`, `speeds`, `Jobs` and `schedule`.
    """
    throughput = speeds(config, calibrated or root)
    made = Jobs(config, make_plan(config), throughput, root)
    gpus = config["plan"]["gpus"]
    notes = []
    here = any(((calibrated or root) / CALIBRATION).glob("*.csv"))
    if not config["plan"]["device"] and not config["plan"]["throughput"] and not here:
        notes.append(
            f"Nothing was measured on this machine (snakemake calibrate does): these are the speeds of {throughput.device}."
        )
    table = root / made.layout.metrics
    if table.exists() and any(not job.done for job in made.all.values()):
        notes.append(
            f"{table} is there, so that Snakemake counts the study as done, unless asked for evaluate_all; this is its cost anew."
        )
    unknown = [job for job in made.all.values() if job.seconds is None]
    if unknown:
        notes.append(
            f"The sums leave out {len(unknown)} jobs whose time is unknown, e.g. {unknown[0].key}: {unknown[0].how}."
        )
    trainings = [
        job.devices
        for job in made.all.values()
        if job.kind not in ("beton", "features") and job.images != 0
    ]
    at_once = max(1, gpus // min(trainings, default=1))
    return StudyPlan(
        made.layout,
        made.all,
        schedule(made.all, gpus),
        throughput.device,
        gpus,
        checkpoint_bytes(config, at_once),
        notes,
    )

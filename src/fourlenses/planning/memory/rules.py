"""The memory of a study's jobs by rule: those of the plan, and others of which only memory counts.

Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fourlenses.planning.jobs import Job, Jobs
from fourlenses.planning.memory import formulas
from fourlenses.planning.memory.jobs import Peak, TargetSizes
from fourlenses.planning.sizes import size_of
from fourlenses.study import Plan, Run
from fourlenses.study.layout import DATA, manifest
from fourlenses.study.vocabulary import EXTERNAL, RANDOM_INIT, TRAINING_PROTOCOLS
from fourlenses.workflow import needs

SIMILARITY_IMAGES = 2000  # of each dataset, at most: the program's own default


@dataclass(frozen=True, kw_only=True)
class RuleJob:
    """A job of a rule.

    Args:
        rule: its name.
        key: of the job.
        peak: the most memory that it takes.
        benchmark: what Snakemake measured of it, if it has run.
        done: it need not run any more.
    """

    rule: str
    key: str
    peak: Peak
    benchmark: Path
    done: bool = False


def rule_jobs(jobs: Jobs) -> list[RuleJob]:
    """Return the jobs of a study whose memory is predicted."""
    return [
        *(_of_plan(jobs, job) for job in jobs.all.values()),
        *_indexing(jobs),
        *_similarity(jobs),
        RuleJob(
            rule="write_findings",
            key="write_findings",
            peak=Peak(formulas.table(_rows(jobs.plan))),
            benchmark=jobs.root / jobs.layout.benchmark("write_findings"),
        ),
        RuleJob(
            rule="draw_figure",
            key="figures",
            peak=Peak(formulas.figure(_rows(jobs.plan))),
            benchmark=jobs.root / jobs.layout.benchmark("figures"),
        ),
    ]


def _of_plan(jobs: Jobs, job: Job) -> RuleJob:
    benchmark = jobs.root / jobs.layout.benchmark(job.key)
    if job.kind == "beton":
        output = job.outputs[0]
        benchmark = output.parent / "logs" / f"{output.stem}.benchmark.tsv"
        rule = "write_beton" if output.stem == "clean" else "write_corrupted_beton"
    elif job.kind in TRAINING_PROTOCOLS:
        rule = "train_evaluate"
    elif job.kind == "features":
        rule = "evaluate"
    elif job.key.startswith(f"pretrain/{EXTERNAL}/"):
        rule = "import_encoder"
        benchmark = jobs.root / jobs.layout.benchmark(f"import/{job.key.split('/')[2]}")
    else:
        rule = "pretrain"
    return RuleJob(rule=rule, key=job.key, peak=job.peak, benchmark=benchmark, done=job.done)


def _indexing(jobs: Jobs) -> Iterator[RuleJob]:
    for dataset in needs.datasets(jobs.plan):
        definition, stored = jobs.config["datasets"][dataset], jobs.config["stored_size"]
        images = size_of(dataset, definition, stored, root=jobs.root).images
        yield RuleJob(
            rule="index_dataset",
            key=dataset,
            peak=Peak() if images is None else Peak(formulas.index(images)),
            benchmark=jobs.root / DATA / dataset / "logs/index_dataset.benchmark.tsv",
            done=(jobs.root / manifest(dataset)).exists(),
        )


def _similarity(jobs: Jobs) -> Iterator[RuleJob]:
    """Yield the job that measures how far the datasets of the domain lens lie from each other."""
    config = jobs.config
    datasets = config["domain"]["datasets"]
    if "domain" not in config["lenses"] or len(datasets) < 2:
        return
    stored = config["stored_size"]
    tested = [
        size_of(name, config["datasets"][name], stored, root=jobs.root).test for name in datasets
    ]
    known = [count for count in tested if count is not None]
    peak = Peak()
    if len(known) == len(tested):
        images = min([SIMILARITY_IMAGES, *known])
        pair = TargetSizes(images=images, labels=2 * images, tested=0, classes=2, neighbours=False)
        run = Run(RANDOM_INIT, "none", config["seeds"][0])
        peak = Peak(jobs.memory.features(run, [pair]).host)
    file = jobs.root / jobs.layout.similarity
    name = "measure_similarity"
    benchmark = jobs.root / jobs.layout.benchmark(name)
    yield RuleJob(rule=name, key=name, peak=peak, benchmark=benchmark, done=file.exists())


def _rows(plan: Plan) -> int:
    """Return about how many rows the table will have: one for each cell and lens."""
    return sum(len(lenses) for lenses in plan.cells.values())

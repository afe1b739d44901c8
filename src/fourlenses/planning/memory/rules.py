"""The memory of a study's jobs by rule: those of the plan, and others of which only memory counts.

Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fourlenses.planning.jobs import Job, Jobs
from fourlenses.planning.memory import formulas
from fourlenses.planning.memory.jobs import Peak
from fourlenses.planning.sizes import size_of
from fourlenses.study import Plan
from fourlenses.study.layout import DATA
from fourlenses.study.vocabulary import EXTERNAL, TRAINING_PROTOCOLS
from fourlenses.workflow import needs


@dataclass(frozen=True, kw_only=True)
class RuleJob:
    """A job of a rule.

    Args:
        rule: its name.
        key: of the job.
        peak: the most memory that it takes.
        benchmark: what Snakemake measured of it, if it has run.
    """

    rule: str
    key: str
    peak: Peak
    benchmark: Path


def rule_jobs(jobs: Jobs) -> list[RuleJob]:
    """Return the jobs of a study whose memory is predicted."""
    return [
        *(_of_plan(jobs, job) for job in jobs.all.values()),
        *_indexing(jobs),
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
    return RuleJob(rule=rule, key=job.key, peak=job.peak, benchmark=benchmark)


def _indexing(jobs: Jobs) -> Iterator[RuleJob]:
    for dataset in needs.datasets(jobs.plan):
        definition, stored = jobs.config["datasets"][dataset], jobs.config["stored_size"]
        images = size_of(dataset, definition, stored, root=jobs.root).images
        yield RuleJob(
            rule="index_dataset",
            key=dataset,
            peak=Peak() if images is None else Peak(formulas.index(images)),
            benchmark=jobs.root / DATA / dataset / "logs/index_dataset.benchmark.tsv",
        )


def _rows(plan: Plan) -> int:
    """Return about how many rows the table will have: one for each cell and lens."""
    return sum(len(lenses) for lenses in plan.cells.values())

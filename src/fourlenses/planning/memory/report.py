"""The predicted memory of each rule's jobs next to what they ask for, and to what was measured."""

import math
import statistics
from collections.abc import Iterable, Mapping

from fourlenses.planning.memory.formulas import MB
from fourlenses.planning.memory.jobs import Asked
from fourlenses.planning.memory.rules import RuleJob

SPARE = 1.25  # of what a warning recommends over what is predicted


def page(jobs: Iterable[RuleJob], asked: Asked) -> list[str]:
    """Return the lines of the plan's page: a warning for each rule that asks for less, a table.

    Args:
        asked: MB by rule; of a rule that is not there it is not known.
    """
    groups = _by_rule(jobs)
    known = {rule: group for rule, group in groups.items() if _known(group)}
    on_gpu = any(job.peak.gpu for group in known.values() for job in group)
    lines = [line for group in known.values() for line in _warning(group, asked)]
    head = ["rule", "jobs", "asks, MB", "predicted, MB", "of"]
    rows = [[*_row(group, asked), *([_gpu(group)] if on_gpu else [])] for group in known.values()]
    lines += _table([*head, *(["of each GPU, MB"] if on_gpu else [])], rows)
    said = (
        "Memory is that of the job of each rule that takes most. `plan_check` compares it with "
        "what finished jobs took"
    )
    if on_gpu:
        said += "; the host's memory of jobs on a GPU has not been compared"
    unknown = sum(job.peak.host is None for group in groups.values() for job in group)
    left_out = f" Not known of {unknown} jobs, as a dataset's size is not." if unknown else ""
    return [*lines, "", f"{said}.{left_out}"]


def _by_rule(jobs: Iterable[RuleJob]) -> dict[str, list[RuleJob]]:
    groups: dict[str, list[RuleJob]] = {}
    for job in jobs:
        groups.setdefault(job.rule, []).append(job)
    return dict(sorted(groups.items(), key=lambda group: -max(map(_host, group[1]))))


def _known(group: list[RuleJob]) -> list[RuleJob]:
    return [job for job in group if job.peak.host is not None]


def _host(job: RuleJob) -> float:
    """Return MB; 0 where not known."""
    return (job.peak.host or 0.0) / MB


def _asks(job: RuleJob, asked: Asked) -> int | None:
    return asked.get(job.rule, job.peak.asks)


def _row(group: list[RuleJob], asked: Asked) -> list[str]:
    largest = max(group, key=_host)
    asks = _asks(largest, asked)
    cell = "not known" if asks is None else f"{asks:,}"
    return [f"`{largest.rule}`", str(len(group)), cell, f"{_host(largest):,.0f}", largest.key]


def _gpu(group: list[RuleJob]) -> str:
    most = max((job.peak.gpu or 0.0) for job in group)
    return f"{most / MB:,.0f}" if most else ""


def _warning(group: list[RuleJob], asked: Asked) -> list[str]:
    """Return the paragraph of a rule of which a job that is left needs more than it asks for."""
    left = [(job, _asks(job, asked)) for job in group if not job.done]
    over = [(job, asks) for job, asks in left if asks is not None and _host(job) > asks]
    if not over:
        return []
    job, asks = max(over, key=lambda pair: _host(pair[0]) / pair[1])
    enough = math.ceil(SPARE * max(_host(job) for job, _ in over) / 1000) * 1000
    return [
        f"**Too little memory**: `{job.rule}` asks for {asks:,} MB, and {_host(job):,.0f} are "
        f"predicted for {job.key}"
        + (f" ({len(over)} jobs of {len(left)} are above what they ask for)" if over[1:] else "")
        + f"; set `{job.rule}: {{mem_mb: {enough}}}` under `set-resources` of the profile, or "
        f"`--set-resources {job.rule}:mem_mb={enough}`.",
        "",
    ]


def check(jobs: Iterable[RuleJob], measured: Mapping[str, float]) -> list[str]:
    """Return a table of the jobs that have run: predicted and measured, a row for each rule.

    Args:
        measured: MB at its peak, by the benchmark's path.
    """
    rows = []
    for rule, group in _by_rule(jobs).items():
        pairs = [
            (_host(job), measured[str(job.benchmark)])
            for job in _known(group)
            if str(job.benchmark) in measured
        ]
        if pairs:
            rows.append(_checked(f"`{rule}`", pairs))
    head = ["rule", "jobs", "predicted, most MB", "measured, most MB"]
    return _table([*head, "predicted / measured, median", "smallest", "largest"], rows)


def _checked(name: str, pairs: list[tuple[float, float]]) -> list[str]:
    ratios = [predicted / actual for predicted, actual in pairs]
    most = [f"{max(column):,.0f}" for column in zip(*pairs, strict=True)]
    spread = (statistics.median(ratios), min(ratios), max(ratios))
    return [name, str(len(pairs)), *most, *(f"{ratio:.2f}" for ratio in spread)]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]

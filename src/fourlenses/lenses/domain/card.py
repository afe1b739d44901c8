"""What a decision card says of other domains: pooled with one's own images, added, or instead."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import words
from fourlenses.findings.comparison import Comparison, points
from fourlenses.findings.line import Line, line_of_sign, measured_if_shared
from fourlenses.findings.questions import Missing
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.domain import finding
from fourlenses.study import names

QUESTIONS = {"added": finding.ADDED, "pool": finding.POOL, "other_encoder": finding.INSTEAD}
MISSING = {
    "added": Missing(
        "adding images of other domains to one's own",
        "pretrain on a pool of both datasets (pools of the lens domain), and on its share of your "
        "images alone (pool_controls: share)",
        (
            "domain: {datasets: [{target}, other], pools: [[{target}, other]], pool_images: 2000, "
            "pool_controls: [share]}",
        ),
    ),
    "pool": Missing(
        "pooling with another domain at an equal number of images",
        "pretrain on a pool of both datasets (pools of the lens domain), and on as many of your "
        "images alone (pool_controls: total)",
        (
            "domain: {datasets: [{target}, other], pools: [[{target}, other]], pool_images: 2000, "
            "pool_controls: [total]}",
        ),
    ),
    "other_encoder": Missing(
        "an encoder of another domain",
        "pretrain on another dataset and evaluate on this one (lens domain)",
        ("domain: {datasets: [{target}, other]}",),
    ),
}


def answers(evidence: Evidence, thresholds: Thresholds) -> Iterator[tuple[str, Line]]:
    """Yield each target with the line of another source."""
    parts = finding.comparisons(evidence.metrics, thresholds)
    for question, part in QUESTIONS.items():
        for comparison in parts[part]:
            line = _line(question, comparison, evidence=evidence, thresholds=thresholds)
            if line:
                yield comparison.target, line


def _line(
    question: str, comparison: Comparison, *, evidence: Evidence, thresholds: Thresholds
) -> Line | None:
    """Against nothing: above or below 0 beyond its interval, or alike within the margin."""
    signed = replace(comparison, scales=[points([1.0, -1.0])])
    outcome = measured_if_shared(signed, evidence, thresholds)
    if outcome is None:
        return None
    others = sorted(names.datasets(comparison.about["source"]) - {comparison.target})
    labels = words.images(int(comparison.cells[0]["labelled_images"].iloc[0]))
    name = words.method(comparison.method) + words.at_steps(pd.concat(comparison.cells))
    other, mine = map(words.pretrained, comparison.cells)
    alone = " alone" if question == "added" else ""
    return line_of_sign(
        outcome,
        question=question,
        subject=words.listed([names.dataset(dataset) for dataset in others]),
        what=f"With {labels} labels, {name}: pretraining on {other} minus on {mine}{alone}",
        answers=(f"better than own{alone}", f"worse than own{alone}"),
        margin=thresholds.equivalence_margin,
        sides=(f"{other} ({words.method(comparison.method)})", mine),
    )

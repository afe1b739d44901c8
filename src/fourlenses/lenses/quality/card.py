"""What a decision card says of corrupted pretraining images: what they cost."""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import Comparison, points
from fourlenses.findings.line import Line, line_of_sign, measured_if_shared
from fourlenses.findings.questions import Missing
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.quality import finding
from fourlenses.study import names

MISSING = {
    "corruption": Missing(
        "what corrupted images cost",
        "pretrain on corrupted images of this dataset (lens quality)",
        ("quality: {datasets: [{target}], corruptions: [jpeg10]}",),
    ),
}


def answers(evidence: Evidence, thresholds: Thresholds) -> Iterator[tuple[str, Line]]:
    """Yield each target with the line of a corruption and method."""
    for (target, _, corruption, _), cells in finding.drops(evidence.metrics).items():
        clean, corrupted = cells
        comparison = Comparison(
            target=target,
            what="",
            cells=[corrupted, clean],
            scales=[points([1.0, -1.0])],
            trained=[[clean]],
            random=selection.random_encoder(evidence.metrics, clean),
            method=clean["method"].iloc[0],
        )
        outcome = measured_if_shared(comparison, evidence, thresholds)
        if outcome is None:
            continue
        labels = words.images(int(clean["labelled_images"].iloc[0]))
        name = words.method(comparison.method) + words.at_steps(pd.concat(cells))
        shown = names.corruption(corruption)
        source = f"{words.pretrained(clean)} with {shown} minus clean"
        line = line_of_sign(
            outcome,
            question="corruption",
            subject=corruption,
            what=f"With {labels} labels, {name}: pretraining on {source}",
            answers=("helps", "costs"),
            margin=thresholds.equivalence_margin,
            sides=(f"{shown} ({words.method(comparison.method)})", "clean images"),
        )
        yield target, line

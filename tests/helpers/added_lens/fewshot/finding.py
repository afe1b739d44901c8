"""The claim of the fewshot lens: the fewest labels are nearly as good as the most."""

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.findings.comparison import Comparison, points
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import BELOW


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Compare the most labels with the fewest, per target and contrastive method."""
    margin, metrics = thresholds.equivalence_margin, evidence.metrics
    rows = selection.linear(selection.described(table.at_finest(metrics)))
    comparisons = []
    rows = rows[rows["contrastive"]]
    for (target, method), encoder in selection.groups(rows, ["target", "method"]):
        by_labels = list(selection.most_labels_first(encoder))
        most, fewest = by_labels[0], by_labels[-1]
        if most["labelled_images"].iloc[0] > fewest["labelled_images"].iloc[0]:
            comparisons.append(
                Comparison(
                    target=target,
                    what=f"{method}: most minus fewest labels",
                    cells=[most, fewest],
                    scales=[points([1.0, -1.0], margin)],
                    trained=[[most, fewest]],
                    random=selection.random_encoder(metrics, most),
                    method=method,
                )
            )
    finding = judged(
        "fewshot",
        f"All labels gain at most {margin:g} points over few.",
        comparisons,
        side=BELOW,
        unit="points",
        note="Most labels minus fewest.",
        missing="two numbers of labelled images. Add the lens fewshot.",
        evidence=evidence,
        thresholds=thresholds,
    )
    return [finding]

"""Judge the paper's claims by a study's table, and write a decision card for each target.

The half-widths that `snakemake plan` expected are read from power.csv next to the table, where it
is.
"""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.study import labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--metrics",
        required=True,
        type=Path,
        help="the study's table; paired.csv next to it narrows the intervals",
    )
    parser.add_argument(
        "--thresholds",
        type=json.loads,
        default={},
        help="JSON: the key `findings` of the config, or some of it",
    )
    parser.add_argument(
        "--findings", required=True, type=Path, help="e.g. results/default/findings.json"
    )
    parser.add_argument(
        "--decision", required=True, type=Path, help="e.g. results/default/decision.json"
    )
    labels.add_argument(parser)
    arguments = parser.parse_args()

    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.table import read_metrics
    from fourlenses.findings import write
    from fourlenses.findings.setting import study_setting
    from fourlenses.findings.show import planned
    from fourlenses.findings.thresholds import Thresholds
    from fourlenses.lenses import conclusions
    from fourlenses.remedies.priced import most_images, priced
    from fourlenses.study.layout import STUDY

    thresholds = Thresholds(**arguments.thresholds)
    evidence = Evidence.of(read_metrics(arguments.metrics), thresholds.seed_sd)
    half_widths = planned.read(arguments.metrics.parent)
    unlabelled = conclusions.evaluate(evidence, thresholds) if half_widths else None
    with labels.using(arguments.labels):
        findings = planned.with_planned(
            conclusions.evaluate(evidence, thresholds), half_widths, unlabelled=unlabelled
        )
        write.findings(findings, arguments.findings, study_setting(evidence))
        cards = conclusions.cards(evidence, thresholds)
    record = arguments.metrics.with_name(STUDY)
    columns = evidence.metrics[["target", "source", "pretrain_images"]]
    images = most_images(columns.itertuples(index=False, name=None))
    write.cards(priced(cards, record, images=images), arguments.decision)
    for finding in findings:
        print(f"{finding.finding}: {finding.verdict}")


if __name__ == "__main__":
    run(main)

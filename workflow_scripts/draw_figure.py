"""Draw a figure of a study: PREFIX.svg and PREFIX.png, and PREFIX.csv with the numbers drawn.

Where the table has nothing for the figure, PREFIX.csv alone, without a line.
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
        help="the study's table, e.g. results/default/metrics.csv",
    )
    parser.add_argument(
        "--figure",
        required=True,
        help="its name, e.g. quantity, or domain_pools; a wrong one lists those known",
    )
    parser.add_argument(
        "--table",
        type=Path,
        help="a second table where the figure needs one: similarity.csv for domain_similarity",
    )
    parser.add_argument(
        "--thresholds",
        type=json.loads,
        default={},
        help="JSON: keys of `findings` in the config that the figure marks",
    )
    parser.add_argument(
        "--seed-sd",
        type=float,
        default=0.8,
        help="points, of one encoder over seeds: widens the bands of a study with one seed "
        "(%(default)s)",
    )
    parser.add_argument("--look", type=json.loads, default={}, help="JSON: `figures` of the config")
    labels.add_argument(parser)
    parser.add_argument(
        "--output-prefix", required=True, type=Path, help="e.g. results/default/figures/quantity"
    )
    arguments = parser.parse_args()

    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.table import read_metrics
    from fourlenses.findings.thresholds import Thresholds
    from fourlenses.lenses import registry
    from fourlenses.plotting import look
    from fourlenses.plotting.save import save

    registry.figure_named(arguments.figure)  # a wrong name is reported before a wrong table
    evidence = Evidence.of(read_metrics(arguments.metrics), arguments.seed_sd)
    thresholds = Thresholds(**arguments.thresholds)
    with look.using(look.Look.of(arguments.look)), labels.using(arguments.labels):
        figure, numbers = registry.draw(
            arguments.figure, evidence, thresholds=thresholds, table=arguments.table
        )
        save(figure, numbers, arguments.output_prefix)


if __name__ == "__main__":
    run(main)

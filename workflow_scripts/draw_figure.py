"""Draw one figure from a study's table: PREFIX.svg, PREFIX.png, and PREFIX.csv with the numbers drawn."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


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
        help="a lens (quantity, domain, quality, granularity) or another name of fourlenses.lenses",
    )
    parser.add_argument(
        "--similarity",
        type=Path,
        help="the study's similarity.csv, which domain_similarity needs and no other figure reads",
    )
    parser.add_argument(
        "--modest-gain",
        type=float,
        default=2.0,
        help="points per doubling that quantity_gain marks; no other figure reads it (%(default)s)",
    )
    parser.add_argument(
        "--seed-sd",
        type=float,
        default=0.8,
        help="points, of one encoder over seeds: widens the bands of a study with one seed (%(default)s)",
    )
    parser.add_argument(
        "--output-prefix", required=True, type=Path, help="e.g. results/default/figures/quantity"
    )
    arguments = parser.parse_args()

    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.table import read_metrics
    from fourlenses.lenses.domain import similarity as domain_similarity
    from fourlenses.lenses.quantity import gain as quantity_gain
    from fourlenses.lenses.registry import figure_named
    from fourlenses.plotting import output

    figure_module = figure_named(arguments.figure)
    evidence = Evidence.of(read_metrics(arguments.metrics), arguments.seed_sd)
    if figure_module is domain_similarity:
        figure, numbers = figure_module.draw(
            evidence, domain_similarity.read_similarity(arguments.similarity)
        )
    elif figure_module is quantity_gain:
        figure, numbers = figure_module.draw(evidence, arguments.modest_gain)
    else:
        figure, numbers = figure_module.draw(evidence)
    output.save(figure, numbers, arguments.output_prefix)


if __name__ == "__main__":
    run(main)

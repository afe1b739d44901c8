"""Draw one figure from a study's table: PREFIX.svg, PREFIX.png, and PREFIX.csv with the numbers drawn."""

import argparse
from pathlib import Path

from fourlenses.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True, type=Path, help="the study's table, e.g. results/default/metrics.csv")
    parser.add_argument(
        "--figure", required=True, help="a lens (quantity, domain, quality, granularity) or another name of fourlenses.lenses"
    )
    parser.add_argument("--output-prefix", required=True, type=Path, help="e.g. results/default/figures/quantity")
    arguments = parser.parse_args()

    from fourlenses.lenses import figure_named, output
    from fourlenses.lenses.table import read_metrics

    figure, numbers = figure_named(arguments.figure).draw(read_metrics(arguments.metrics))
    output.save(figure, numbers, arguments.output_prefix)


if __name__ == "__main__":
    run(main)

"""Write the report of a study: one HTML file with figures, findings, plan, provenance and runs."""

import argparse
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
        "--results",
        type=Path,
        help="the study's folder, in which all else is looked for; default: where the table is",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        help="the datasets' folder, for the records of their images",
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="e.g. results/default/report.html"
    )
    labels.add_argument(parser)
    arguments = parser.parse_args()

    from fourlenses.report.page import write_report

    with labels.using(arguments.labels):
        write_report(
            arguments.metrics,
            arguments.results or arguments.metrics.parent,
            data=arguments.data,
            output=arguments.output,
        )


if __name__ == "__main__":
    run(main)

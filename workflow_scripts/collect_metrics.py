"""Collect all evaluations of a study into its tidy table, metrics.csv."""

import argparse
import logging
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="the study's plan (study.json)")
    parser.add_argument(
        "--evaluations",
        required=True,
        type=Path,
        help="directory with <method>/<source>/seed<k>/cells.json of every run",
    )
    parser.add_argument("--output", required=True, type=Path, help="metrics.csv to write")
    parser.add_argument(
        "--partial",
        action="store_true",
        help="do without evaluations that are missing, and name them",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.analysis.collect import collect

    rows = collect(
        arguments.study, arguments.evaluations, arguments.output, partial=arguments.partial
    )
    print(f"{arguments.output}: {rows} rows")


if __name__ == "__main__":
    run(main)

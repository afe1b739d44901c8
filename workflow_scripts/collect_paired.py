"""Collect how often two encoders are right on the same test images into paired.csv."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="the study's plan (study.json)")
    parser.add_argument(
        "--evaluations",
        required=True,
        type=Path,
        help="directory with the records and predictions of every run",
    )
    parser.add_argument("--targets", required=True, nargs="+", help="the datasets evaluated on")
    parser.add_argument(
        "--manifests",
        required=True,
        nargs="+",
        type=Path,
        help="the manifest (.parquet) of each, for its label levels",
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="paired.csv to write, next to metrics.csv"
    )
    arguments = parser.parse_args()

    from fourlenses.analysis.collect_paired import collect_paired

    manifests = dict(zip(arguments.targets, arguments.manifests, strict=True))
    rows = collect_paired(
        arguments.study, arguments.evaluations, manifests=manifests, output=arguments.output
    )
    print(f"{arguments.output}: {rows} cells")


if __name__ == "__main__":
    run(main)

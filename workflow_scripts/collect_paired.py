"""Collect paired intervals of a study's comparisons into paired.csv, from the kept predictions of its evaluations."""

import argparse
from pathlib import Path

from fourlenses.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="the study's plan (study.json)")
    parser.add_argument("--evaluations", required=True, type=Path, help="directory with the records and predictions of every run")
    parser.add_argument("--output", required=True, type=Path, help="paired.csv to write, beside metrics.csv")
    arguments = parser.parse_args()

    from fourlenses.collect_paired import collect_paired

    rows = collect_paired(arguments.study, arguments.evaluations, arguments.output)
    print(f"{arguments.output}: {rows} pairs")


if __name__ == "__main__":
    run(main)

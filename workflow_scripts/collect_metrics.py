"""Collect all evaluations of a study into its tidy table, metrics.csv."""

import argparse
from pathlib import Path

from fourlenses.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="the study's plan (study.json)")
    parser.add_argument("--cells", required=True, nargs="+", type=Path, help="evaluation records (.json), or directories to look through for cells.json")
    parser.add_argument("--output", required=True, type=Path, help="metrics.csv to write")
    arguments = parser.parse_args()

    from fourlenses.collect import collect

    files = [file for path in arguments.cells for file in (sorted(path.rglob("cells.json")) if path.is_dir() else [path])]
    print(f"{arguments.output}: {collect(arguments.study, files, arguments.output)} rows from {len(files)} evaluations")


if __name__ == "__main__":
    run(main)

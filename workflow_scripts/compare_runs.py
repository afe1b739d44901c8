"""Compare two runs of one study: which numbers differ, by how much, and how seeds differ."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "runs", nargs=2, type=Path, metavar="RUN", help="metrics.csv, or its folder"
    )
    parser.add_argument("--output", type=Path, help="write a row for each number (.csv)")
    arguments = parser.parse_args()

    from fourlenses.analysis.table import read_metrics
    from fourlenses.power import compare_runs
    from fourlenses.study.layout import METRICS

    files = [file / METRICS if file.is_dir() else file for file in arguments.runs]
    compared = compare_runs.compare(*map(read_metrics, files))
    print(compare_runs.text(compared, list(map(str, files))))
    if arguments.output:
        compare_runs.write(compared, arguments.output)


if __name__ == "__main__":
    run(main)

"""Compare the numbers of a study with those the paper published for the same question."""

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
        "--output",
        required=True,
        type=Path,
        help="e.g. results/default/published.csv; only a header where none match",
    )
    parser.add_argument(
        "--seed-sd",
        type=float,
        default=0.8,
        help="points, of one encoder over seeds, for a study with one seed (%(default)s)",
    )
    arguments = parser.parse_args()

    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.published_comparison import compare
    from fourlenses.analysis.table import read_metrics
    from fourlenses.core.files import atomic

    compared = compare(Evidence.of(read_metrics(arguments.metrics), arguments.seed_sd))
    with atomic(arguments.output) as draft:
        compared.to_csv(draft, index=False, float_format="%.4f", lineterminator="\n")
    print(f"{len(compared)} numbers of the study were published for the same question")


if __name__ == "__main__":
    run(main)

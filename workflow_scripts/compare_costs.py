"""Hold cheaper entries of a study's methods against one of them: points lost, time saved."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("study", type=Path, help="the folder of its results")
    parser.add_argument("--reference", default="simclr", help="the entry that the others cost less")
    parser.add_argument(
        "--margin", type=float, default=2.0, help="points within which two sides are alike"
    )
    parser.add_argument(
        "--clock",
        choices=("cpu", "wall"),
        default="cpu",
        help="of the time saved: processor time, or wall time times processes, as for GPUs",
    )
    parser.add_argument("--output", type=Path, help="write a row for each comparison (.csv)")
    arguments = parser.parse_args()

    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.table import read_metrics
    from fourlenses.power import trade
    from fourlenses.study.layout import METRICS

    evidence = Evidence.of(read_metrics(arguments.study / METRICS))
    reference, margin = arguments.reference, arguments.margin
    found = trade.trades(
        evidence,
        arguments.study / "pretrain",
        reference=reference,
        margin=margin,
        clock=arguments.clock,
    )
    print(trade.text(found, reference, margin=margin))
    if arguments.output:
        trade.write(found, arguments.output)


if __name__ == "__main__":
    run(main)

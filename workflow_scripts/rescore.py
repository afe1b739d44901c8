"""Score predictions at the levels of any hierarchy of their classes, without training again.

    python workflow_scripts/rescore.py --target birds --hierarchy birds.csv \\
        --predictions results/*/evaluate/simclr/*/seed*/predictions.npz --output by_family.csv

The hierarchy is a CSV: class,order,family,... with a row per class, coarse levels first; or
node,parent with a row per edge, whose levels are depth0 (the roots), depth1 and so on. A class that
is shallower than a level keeps its own label there. Of several parents (a|b) the first counts.
Without --hierarchy the levels of the dataset itself are scored.
"""

import argparse
import logging
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--predictions",
        required=True,
        nargs="+",
        type=Path,
        help="predictions of evaluations (.npz)",
    )
    parser.add_argument(
        "--target", help="dataset evaluated on; needed where a file has predictions of several"
    )
    parser.add_argument("--hierarchy", type=Path, help="hierarchy of the classes (.csv)")
    parser.add_argument(
        "--levels",
        nargs="+",
        default=[],
        help="levels to score, coarse to fine; column@3: depth 3 of a>b>c>d (all)",
    )
    parser.add_argument(
        "--other-classes",
        action="store_true",
        help="pass over rows of the hierarchy that are of no class predicted",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        help="manifest of the target (.parquet), for predictions without true labels",
    )
    parser.add_argument("--output", required=True, type=Path, help="table to write (.csv or .json)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.core.errors import UserError
    from fourlenses.evaluation.rescore.rescore import HierarchySource, rescore, write_rows

    if arguments.output.suffix not in (".csv", ".json"):
        raise UserError(f"--output {arguments.output}: the name must end in .csv or .json")
    source = HierarchySource(
        manifest_file=arguments.manifest,
        hierarchy_file=arguments.hierarchy,
        levels=arguments.levels,
        other_classes=arguments.other_classes,
    )
    rows = rescore(arguments.predictions, arguments.target, source)
    write_rows(rows, arguments.output)
    for row in rows:
        named = "{predictions} {protocol} {labelled} {level} ({n_classes} classes)"
        print(f"{named}: {{top1:.1f}} [{{top1_low:.1f}}, {{top1_high:.1f}}]".format(**row))


if __name__ == "__main__":
    run(main)

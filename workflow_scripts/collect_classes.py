"""Collect the accuracy of each class, and which are confused at every label level."""

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
    parser.add_argument("--classes", required=True, type=Path, help="classes.csv to write")
    parser.add_argument("--confusions", required=True, type=Path, help="confusions.csv to write")
    parser.add_argument(
        "--matrices", required=True, type=Path, help="confusion_matrices.csv to write"
    )
    arguments = parser.parse_args()

    from fourlenses.evaluation.class_accuracy import collect_classes

    count = collect_classes(
        arguments.study,
        arguments.evaluations,
        manifests=dict(zip(arguments.targets, arguments.manifests, strict=True)),
        classes=arguments.classes,
        confusions=arguments.confusions,
        matrices=arguments.matrices,
    )
    print(f"{arguments.classes}: {count} encoders, protocols and targets")


if __name__ == "__main__":
    run(main)

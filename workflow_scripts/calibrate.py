"""Measure images per second of this machine for a study's encoder, image size and methods; `snakemake plan` reckons with them."""

import argparse
import json
import logging
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.study.layout import CALIBRATION


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        default=[],
        help="the study's overlay of config.yaml; none: the default study",
    )
    which.add_argument(
        "--config",
        type=json.loads,
        help="the whole config, completed, as JSON (what the Snakefile gives)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        help="for each kind of work, instead of the key plan.calibrate_seconds",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(CALIBRATION),
        help="the folder of <device>.csv, to which rows are added",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.config.read import read_config
    from fourlenses.lenses.plan import make_plan
    from fourlenses.planning.calibrate import calibrate
    from fourlenses.planning.throughput import merge_into

    config = arguments.config or read_config(arguments.configfile)
    rows = calibrate(
        config, make_plan(config), arguments.seconds or config["plan"]["calibrate_seconds"]
    )
    file = arguments.output / f"{rows[0].device}.csv"
    merge_into(file, rows)
    print(f"{file}: {len(rows)} speeds of {rows[0].device}")


if __name__ == "__main__":
    run(main)

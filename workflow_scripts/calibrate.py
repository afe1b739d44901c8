"""Measure this machine's images per second for a study, which `snakemake plan` estimates with."""

import argparse
import logging
from pathlib import Path

from fourlenses.config.command_line import add_config_options, config_of
from fourlenses.core.cli import run
from fourlenses.study.layout import CALIBRATION


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config_options(parser)
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

    from fourlenses.lenses.plan import make_plan
    from fourlenses.planning.calibrate import calibrate
    from fourlenses.planning.throughput import merge_into

    config = config_of(arguments)
    rows = calibrate(
        config, make_plan(config), arguments.seconds or config["plan"]["calibrate_seconds"]
    )
    file = arguments.output / f"{rows[0].device}.csv"
    merge_into(file, rows)
    print(f"{file}: {len(rows)} speeds of {rows[0].device}")


if __name__ == "__main__":
    run(main)

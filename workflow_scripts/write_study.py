"""Record the plan of a study: its config, and every cell with the lenses that show it."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config",
        required=True,
        type=json.loads,
        help="JSON: the completed config, without what only says where it runs",
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="e.g. results/default/study.json"
    )
    arguments = parser.parse_args()

    from fourlenses.core.files import write_json
    from fourlenses.lenses.known_sizes import possible_plan

    config = arguments.config
    cells = possible_plan(config).plan.as_json()
    write_json(arguments.output, {"study": config["study"], "config": config, "cells": cells})


if __name__ == "__main__":
    run(main)

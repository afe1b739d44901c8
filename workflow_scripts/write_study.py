"""Record the plan of a study: its config, and every cell to be measured with the lenses that look at it (study.json)."""

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
    from fourlenses.lenses.plan import make_plan

    config = arguments.config
    write_json(
        arguments.output,
        {"study": config["study"], "config": config, "cells": make_plan(config).as_json()},
    )


if __name__ == "__main__":
    run(main)

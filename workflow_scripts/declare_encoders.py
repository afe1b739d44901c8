"""Write what a study declares of its external encoders next to its table."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--encoders", required=True, type=json.loads, help="JSON: the key `encoders` of the config"
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="e.g. results/default/encoders.json"
    )
    arguments = parser.parse_args()

    from fourlenses.lenses.alternatives import declared

    declared.write(arguments.encoders, arguments.output)


if __name__ == "__main__":
    run(main)

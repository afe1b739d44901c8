"""Give an imported encoder the seed of a run: a copy of its weights, a record with the seed."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--imported", required=True, type=Path, help="directory that import_encoder.py wrote"
    )
    parser.add_argument("--seed", required=True, type=int, help="of the run")
    parser.add_argument("--output", required=True, type=Path, help="directory of the run")
    arguments = parser.parse_args()

    from fourlenses.workflow.share_encoder import share

    share(arguments.imported, arguments.seed, arguments.output)


if __name__ == "__main__":
    run(main)

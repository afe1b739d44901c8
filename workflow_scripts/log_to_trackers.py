"""Show the curves of a study's finished pretrainings in trackers; those that they have are left."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", required=True, type=Path, help="results/<study>")
    parser.add_argument(
        "--to", required=True, nargs="+", help="tensorboard, mlflow, wandb; one or several"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="for the picture of views, where it is"
    )
    arguments = parser.parse_args()

    from fourlenses.trackers.afterwards import log_study

    for name, rows in log_study(arguments.results, arguments.to, data=arguments.data):
        print(f"{name}: {rows} rows")


if __name__ == "__main__":
    run(main)

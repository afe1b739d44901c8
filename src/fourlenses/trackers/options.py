"""Where a program that trains shows its curves. Standard library only."""

import argparse
import os
from pathlib import Path


def add_tracker_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--log-to`` and ``--trackers``.

    The workflow's jobs have them as variables: as options they would be part of a rule's command,
    whose change is a reason to train again.
    """
    parser.add_argument(
        "--log-to",
        nargs="*",
        default=os.environ.get("FOURLENSES_LOG_TO", "").split(),
        help="tensorboard, mlflow, wandb: show the curves there too",
    )
    parser.add_argument(
        "--trackers",
        type=Path,
        default=Path(os.environ.get("FOURLENSES_TRACKERS", "trackers")),
        help="folder for these, in the study's",
    )

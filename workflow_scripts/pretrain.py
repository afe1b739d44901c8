"""Pretrain one encoder on (subsets of) betons. Interrupted, it continues from its last checkpoint when run again."""

import argparse
import json
import logging
import os
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.parallel.launcher import launch


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON with method, backbone, source, seed, sizes, hyperparameters and recipes (see config.yaml)",
    )
    parser.add_argument(
        "--betons", nargs="*", default=[], type=Path, help="one .beton per part of the source"
    )
    parser.add_argument(
        "--subsets", nargs="*", default=[], type=Path, help="one .npy of manifest rows per beton"
    )
    parser.add_argument("--datasets", nargs="*", default=[], help="the parts' dataset names")
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="directory for encoder.safetensors, head.safetensors, history.csv, run.json",
    )
    parser.add_argument(
        "--checkpoints",
        required=True,
        type=Path,
        help="directory for rolling checkpoints, cleared at the end, and for a second copy of the results (links)",
    )
    parser.add_argument(
        "--checkpoint-minutes", type=float, default=10.0, help="time between two checkpoints"
    )
    parser.add_argument(
        "--max-minutes",
        type=float,
        default=0.0,
        help="stop with a checkpoint and exit code 75 before so much time has passed since the start; 0 for no limit",
    )
    parser.add_argument(
        "--requeue",
        action="store_true",
        help="when --max-minutes are over, have SLURM run its job again, which has to be of this training alone, instead of ending it",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="processes on this machine, one per GPU; each takes its share of a batch",
    )
    parser.add_argument(
        "--input",
        default="auto",
        choices=["auto", "resident", "streaming"],
        help="decode once into memory, or as needed",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="threads that decode, in all (changes no number)",
    )
    parser.add_argument(
        "--stage-to",
        default="",
        help="folder on this machine's disk to copy betons to ('' for none)",
    )
    arguments = parser.parse_args()
    launch(arguments.processes)
    logging.basicConfig(
        level=logging.INFO if os.environ.get("RANK", "0") == "0" else logging.WARNING,
        format="%(message)s",
    )

    from fourlenses.training.pretrain import Data, Placement, Settings, pretrain

    pretrain(
        Settings(**json.loads(arguments.settings)),
        Data(arguments.datasets, arguments.betons, arguments.subsets),
        Placement(
            checkpoints=arguments.checkpoints,
            device=arguments.device,
            input=arguments.input,
            workers=max(1, arguments.workers // arguments.processes),
            checkpoint_seconds=60 * arguments.checkpoint_minutes,
            max_minutes=arguments.max_minutes or None,
            requeue=arguments.requeue,
            stage_to=arguments.stage_to,
        ),
        arguments.output,
    )


if __name__ == "__main__":
    run(main)

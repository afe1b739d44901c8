"""Pretrain one encoder on (subsets of) betons."""

import argparse
import json
import logging
import os
from pathlib import Path

from fourlenses.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--settings", required=True, help="JSON with method, backbone, source, seed, sizes, hyperparameters and recipes (see config.yaml)"
    )
    parser.add_argument("--betons", nargs="*", default=[], type=Path, help="one .beton per part of the source")
    parser.add_argument("--subsets", nargs="*", default=[], type=Path, help="one .npy of manifest rows per beton")
    parser.add_argument("--datasets", nargs="*", default=[], help="the parts' dataset names")
    parser.add_argument(
        "--output", required=True, type=Path, help="directory for encoder.safetensors, head.safetensors, history.csv, run.json"
    )
    parser.add_argument(
        "--checkpoints", required=True, type=Path, help="directory for rolling checkpoints; kept on failure, cleared at the end"
    )
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0, help="time between two checkpoints")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="threads that decode images (changes no number)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.training.pretrain import Settings, pretrain

    pretrain(
        Settings(**json.loads(arguments.settings)),
        arguments.betons,
        arguments.subsets,
        arguments.datasets,
        arguments.output,
        arguments.checkpoints,
        arguments.device,
        arguments.workers,
        60 * arguments.checkpoint_minutes,
    )


if __name__ == "__main__":
    run(main)

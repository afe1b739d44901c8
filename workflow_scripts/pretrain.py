"""Pretrain one encoder on (subsets of) betons.

Interrupted, it continues from its last checkpoint when run again.
"""

import argparse
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourlenses.core.cli import run
from fourlenses.parallel.launcher import launch
from fourlenses.resume.placement import (
    EAGER,
    STEPS,
    add_placement_arguments,
    placement_from,
    step_kind,
)
from fourlenses.trackers.options import add_tracker_arguments

if TYPE_CHECKING:
    from PIL.Image import Image

    from fourlenses.training.settings import TrainingData


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON with method, backbone, source, seed, sizes, hyperparameters and recipes "
        "(see config.yaml)",
    )
    parser.add_argument(
        "--betons", nargs="*", default=[], type=Path, help="one .beton per part of the source"
    )
    parser.add_argument(
        "--subsets", nargs="*", default=[], type=Path, help="one .npy of manifest rows per beton"
    )
    parser.add_argument("--datasets", nargs="*", default=[], help="the parts' dataset names")
    parser.add_argument(
        "--start",
        nargs="*",
        default=[],
        type=Path,
        help="files of the encoder that is continued, an imported one or that of fewer images; "
        "without it weights are random",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="directory for encoder.safetensors, head.safetensors, history.csv, run.json",
    )
    add_placement_arguments(parser)
    # the workflow's jobs have these as variables: an option would be part of the rule's command,
    # whose change is a reason to train again
    parser.add_argument(
        "--nodes",
        type=int,
        default=int(os.environ.get("FOURLENSES_NODES", "1")),
        help="nodes of the SLURM job that this runs in, with --processes and --workers on each",
    )
    parser.add_argument(
        "--step",
        type=step_kind,
        default=os.environ.get("FOURLENSES_STEP", EAGER),
        metavar="{" + ",".join(STEPS) + "}",
        help="launch a step's operations one by one, or on a GPU as one recorded graph",
    )
    add_tracker_arguments(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    launch(arguments.processes, arguments.nodes)

    from fourlenses.study.layout import ENCODER
    from fourlenses.trackers.follow import following
    from fourlenses.trackers.run import TrackedRun
    from fourlenses.training.pretrain import pretrain
    from fourlenses.training.settings import PretrainingSettings, TrainingData
    from fourlenses.training.start import follow_smaller, follow_start

    values, start = json.loads(arguments.settings), None
    if arguments.start:
        folder = arguments.start[0].parent
        follow = follow_smaller if "smaller" in values else follow_start
        values, start = follow(values, folder), folder / ENCODER
    data = TrainingData(arguments.datasets, arguments.betons, arguments.subsets, start=start)
    run = TrackedRun.of(arguments.trackers.absolute().parent.name, values)
    with following(
        run, arguments.log_to, arguments.trackers, picture=lambda: picture_of(values, data)
    ):
        pretrain(
            PretrainingSettings.from_json(values),
            data,
            placement=dataclasses.replace(placement_from(arguments), step=arguments.step),
            output=arguments.output,
        )


def picture_of(settings: Mapping[str, Any], data: "TrainingData") -> "Image | None":
    """Return the views of some images that are trained on."""
    import numpy as np

    from fourlenses.trackers.views import views_picture

    if not data.betons:
        return None
    rows = np.load(data.subsets[0], allow_pickle=False)
    return views_picture(settings, data.datasets[0], beton=data.betons[0], rows=rows)


if __name__ == "__main__":
    run(main)

"""Evaluate one encoder on one target with one set of labels by a protocol that trains: linear_augmented, fine_tune or scratch.

Interrupted, it continues from its last checkpoint when run again. One job is one training (several while a learning rate is chosen).
"""

import argparse
import json
import logging
import os
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.parallel.launcher import launch

PRESETS = Path(__file__).resolve().parents[1] / "presets"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--protocol", required=True, help="linear_augmented, fine_tune or scratch")
    parser.add_argument(
        "--run",
        required=True,
        type=Path,
        help="directory with run.json and, but for scratch (which takes the backbone, seed and sizes from it), encoder.safetensors",
    )
    parser.add_argument("--dataset", required=True, help="name of the target")
    parser.add_argument("--beton", required=True, type=Path, help="its beton")
    parser.add_argument("--manifest", required=True, type=Path, help="its manifest (.parquet)")
    parser.add_argument(
        "--subset",
        required=True,
        type=Path,
        help="the labelled images: rows of the manifest (.npy)",
    )
    parser.add_argument(
        "--labelled",
        required=True,
        help="what the config calls the number of labels, e.g. 1000 or all",
    )
    parser.add_argument(
        "--preset",
        default="small",
        help="paper, small or minutes, of presets/evaluation/<protocol>.yaml",
    )
    parser.add_argument("--settings", default="{}", help="JSON of what differs from the preset")
    parser.add_argument(
        "--recipe", help="JSON of the recipe of the views (the preset's, by default)"
    )
    parser.add_argument("--presets", type=Path, default=PRESETS, help="directory of the presets")
    parser.add_argument(
        "--validation-fraction",
        type=float,
        default=0.2,
        help="share of the labelled images held out to choose by",
    )
    parser.add_argument(
        "--precision",
        default="auto",
        choices=["auto", "float32", "bfloat16"],
        help="auto: bfloat16 on a GPU",
    )
    parser.add_argument(
        "--torch-threads",
        type=int,
        default=1,
        help="compute threads (another number may change the last bits)",
    )
    parser.add_argument("--record", required=True, type=Path, help="record to write (.json)")
    parser.add_argument(
        "--predictions",
        required=True,
        type=Path,
        help="predicted classes of the test images to write (.npz)",
    )
    parser.add_argument(
        "--checkpoints",
        required=True,
        type=Path,
        help="directory for checkpoints, cleared at the end, and for a second copy of the results (links)",
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

    from fourlenses.config.protocols import complete_protocol
    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.evaluation.finetuning.evaluate import Settings, evaluate_trained
    from fourlenses.evaluation.finetuning.record import write_record
    from fourlenses.evaluation.finetuning.task import Task
    from fourlenses.evaluation.predictions import TargetPredictions
    from fourlenses.training.pretrain import Placement

    encoder = Encoder.read(arguments.run)
    own, known = json.loads(arguments.settings), {}
    if arguments.recipe:
        known = {name: json.loads(arguments.recipe) for name in own.get("views", [])}
    hyperparameters, recipe = complete_protocol(
        arguments.protocol, arguments.preset, own, arguments.presets, known
    )
    settings = Settings(
        protocol=arguments.protocol,
        hyperparameters=hyperparameters,
        recipe=recipe,
        stored_size=encoder.settings["stored_size"],
        image_size=encoder.settings["image_size"],
        validation_fraction=arguments.validation_fraction,
        torch_threads=arguments.torch_threads,
        precision=arguments.precision,
    )
    placement = Placement(
        checkpoints=arguments.checkpoints,
        device=arguments.device,
        input=arguments.input,
        workers=max(1, arguments.workers // arguments.processes),
        checkpoint_seconds=60 * arguments.checkpoint_minutes,
        max_minutes=arguments.max_minutes or None,
        requeue=arguments.requeue,
        stage_to=arguments.stage_to,
    )
    task = Task(arguments.dataset, arguments.beton, arguments.manifest, arguments.subset)

    # by names that say of how many labels, as the record does
    outputs = {
        f"{arguments.labelled}.npz": arguments.predictions,
        f"{arguments.labelled}.json": arguments.record,
    }

    def write(record: dict, seen: TargetPredictions, folder: Path) -> None:
        predictions, cell = (folder / name for name in outputs)
        write_record(
            record, seen, encoder, arguments.protocol, task, arguments.labelled, cell, predictions
        )

    evaluate_trained(encoder, task, settings, placement, outputs, write)


if __name__ == "__main__":
    run(main)

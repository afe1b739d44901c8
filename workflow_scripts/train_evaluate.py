"""Evaluate one encoder on one target with one set of labels by a protocol that trains.

It is linear_augmented, fine_tune or scratch. Interrupted, it continues from its last checkpoint
when run again. One job is one training (several while a learning rate is chosen).
"""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.parallel.launcher import launch
from fourlenses.resume.placement import add_placement_arguments, placement_from

PRESETS = Path(__file__).resolve().parents[1] / "presets"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add_inputs(parser)
    add_settings(parser)
    parser.add_argument("--record", required=True, type=Path, help="record to write (.json)")
    parser.add_argument(
        "--predictions",
        required=True,
        type=Path,
        help="predicted classes of the test images to write (.npz)",
    )
    add_placement_arguments(parser)
    return parser.parse_args()


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the options of the encoder, the target and its labels."""
    parser.add_argument("--protocol", required=True, help="linear_augmented, fine_tune or scratch")
    parser.add_argument(
        "--run",
        required=True,
        type=Path,
        help="directory with run.json and, but for scratch (which takes the backbone, seed and "
        "sizes from it), encoder.safetensors",
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


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options of the training and of the choice of its hyper-parameters."""
    parser.add_argument(
        "--preset",
        default="small",
        help="paper, small or minutes, of presets/protocols/<protocol>.yaml",
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


def left_out(arguments: argparse.Namespace) -> bool:
    """Write why nothing can be trained on the labels, if that is so; return whether it is."""
    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.evaluation.left_out import one_class_subset, training_left_out, write_left_out

    reason = one_class_subset(arguments.manifest, arguments.subset)
    if reason is None:
        return False
    entry = training_left_out(
        Encoder.read(arguments.run),
        protocol=arguments.protocol,
        target=arguments.dataset,
        labelled=arguments.labelled,
        reason=reason,
    )
    write_left_out(entry, record=arguments.record, predictions=arguments.predictions)
    print(f"left out: {reason}")
    return True


def train_and_test(arguments: argparse.Namespace) -> None:
    launch(arguments.processes)

    from fourlenses.config.job_settings import with_views, without_views
    from fourlenses.config.protocols import complete_protocol
    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.evaluation.finetuning.evaluate import finetune_and_test
    from fourlenses.evaluation.finetuning.record import FinetuningRecord, write_record
    from fourlenses.evaluation.finetuning.settings import (
        FinetuningHyperparameters,
        FinetuningSettings,
    )
    from fourlenses.evaluation.finetuning.task import Task
    from fourlenses.evaluation.predictions import TargetPredictions

    encoder, protocol = Encoder.read(arguments.run), arguments.protocol
    changed, known = without_views(json.loads(arguments.settings)), {}
    if arguments.recipe:
        known = {name: json.loads(arguments.recipe) for name in changed.get("augmentations", [])}
    completed, recipe = complete_protocol(
        protocol, arguments.preset, changed, presets=arguments.presets, augmentations=known
    )
    hyperparameters = FinetuningHyperparameters.from_json(protocol, with_views(completed))
    settings = FinetuningSettings(
        protocol=protocol,
        hyperparameters=hyperparameters,
        recipe=recipe,
        stored_size=encoder.settings["stored_size"],
        image_size=encoder.settings["image_size"],
        validation_fraction=arguments.validation_fraction,
        torch_threads=arguments.torch_threads,
        precision=arguments.precision,
    )
    target = ("dataset", "beton", "manifest", "subset")
    task = Task(**{name: getattr(arguments, name) for name in target})
    # by names that say of how many labels, as the record does
    predictions, cell = f"{arguments.labelled}.npz", f"{arguments.labelled}.json"

    def write(record: FinetuningRecord, images: TargetPredictions, folder: Path) -> None:
        write_record(
            record,
            images,
            encoder=encoder,
            protocol=protocol,
            task=task,
            labelled=arguments.labelled,
            record_file=folder / cell,
            predictions_file=folder / predictions,
        )

    finetune_and_test(
        encoder,
        task,
        settings,
        placement=placement_from(arguments),
        outputs={predictions: arguments.predictions, cell: arguments.record},
        write=write,
    )


def main() -> None:
    arguments = parsed()
    if not left_out(arguments):
        train_and_test(arguments)


if __name__ == "__main__":
    run(main)

"""Evaluate an encoder, or several with concatenated features, by the protocols on features."""

import argparse
import json
import logging
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.core.machine.cores import usable_cores


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--runs",
        required=True,
        nargs="+",
        type=Path,
        help="directories with encoder.safetensors and run.json; features of several are "
        "concatenated",
    )
    parser.add_argument(
        "--targets",
        required=True,
        help='JSON list of {"dataset", "betons": {stored size, px: file}, "manifest", "subsets": '
        "{protocol: {label subset: file.npy}}}; protocols: linear, linear_per_level, knn",
    )
    parser.add_argument(
        "--settings",
        required=True,
        help='JSON of {"validation_fraction", "torch_threads", "linear": {"l2", '
        '"l2_of_supervised"}, "knn": {"k", "temperature"}}',
    )
    parser.add_argument(
        "--feature-precision",
        default="float32",
        choices=["float32", "float16"],
        help="of the features on disk",
    )
    parser.add_argument(
        "--features",
        required=True,
        type=Path,
        help="directory for the features, extracted once per encoder and target",
    )
    parser.add_argument(
        "--keep-features",
        action="store_true",
        help="leave them there, for another evaluation of the same encoder",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--workers",
        type=int,
        default=usable_cores(),
        help="threads that decode images (changes no number)",
    )
    parser.add_argument("--cells", required=True, type=Path, help="records to write (.json)")
    parser.add_argument(
        "--predictions",
        required=True,
        type=Path,
        help="predicted classes of the test images to write (.npz)",
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.evaluation.features.store import FeatureStore
    from fourlenses.evaluation.probes.contract import EvaluationSettings
    from fourlenses.evaluation.probes.evaluate import Target, evaluate
    from fourlenses.parallel.devices import choose_device

    targets = [Target.from_json(target) for target in json.loads(arguments.targets)]
    store = FeatureStore(
        arguments.features,
        precision=arguments.feature_precision,
        device=choose_device(arguments.device),
        workers=arguments.workers,
        keep=arguments.keep_features,
    )
    with store:
        evaluate(
            [Encoder.read(directory) for directory in arguments.runs],
            targets,
            EvaluationSettings.from_config(json.loads(arguments.settings)),
            store=store,
            cells_file=arguments.cells,
            predictions_file=arguments.predictions,
        )


if __name__ == "__main__":
    run(main)

"""Evaluate a pretrained encoder, or several side by side, on every target and label size a study asks for that needs features alone."""

import argparse
import json
import logging
import os
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--runs",
        required=True,
        nargs="+",
        type=Path,
        help="directories with encoder.safetensors and run.json; of several, the features are joined",
    )
    parser.add_argument(
        "--targets",
        required=True,
        help='JSON list of {"dataset", "beton", "manifest", "subsets": {protocol: {label subset: file.npy}}}; '
        "protocols: linear, linear_per_level, knn",
    )
    parser.add_argument(
        "--image-size", required=True, type=int, help="side of the images the encoder sees, px"
    )
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON of strengths, strength_of_supervised, validation_fraction, neighbours, temperature, torch_threads",
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
        help="directory for the features, which are taken once per encoder and target",
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
        default=len(os.sched_getaffinity(0)),
        help="threads that decode images (changes no number)",
    )
    parser.add_argument("--cells", required=True, type=Path, help="records to write (.json)")
    parser.add_argument(
        "--predictions",
        required=True,
        type=Path,
        help="predicted classes of the test images to write (.npz)",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.evaluation.features.store import FeatureStore
    from fourlenses.evaluation.probes.evaluate import Settings, Target, evaluate
    from fourlenses.parallel.devices import choose_device

    targets = [
        Target(**{**target, "beton": Path(target["beton"]), "manifest": Path(target["manifest"])})
        for target in json.loads(arguments.targets)
    ]
    encoders = [Encoder.read(directory) for directory in arguments.runs]
    device = choose_device(arguments.device)
    with FeatureStore(
        arguments.features,
        arguments.feature_precision,
        arguments.image_size,
        device,
        arguments.workers,
        arguments.keep_features,
    ) as store:
        evaluate(
            encoders,
            targets,
            Settings(**json.loads(arguments.settings)),
            store,
            arguments.cells,
            arguments.predictions,
        )


if __name__ == "__main__":
    run(main)

"""Evaluate one pretrained encoder on every target and label size a study asks for."""

import argparse
import json
import logging
import os
from pathlib import Path

from fourlenses.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--run", required=True, type=Path, help="directory with encoder.safetensors, head.safetensors and run.json")
    parser.add_argument(
        "--targets",
        required=True,
        help='JSON list of {"dataset", "beton", "manifest", "subsets": {protocol: {label size: file.npy}}}; protocols: linear, scratch',
    )
    parser.add_argument("--image-size", required=True, type=int, help="side of the images the encoder sees, px")
    parser.add_argument("--strengths", required=True, nargs="+", type=float, help="L2 strengths of the linear classifier to choose from")
    parser.add_argument("--validation-fraction", required=True, type=float, help="share of the labelled images held out to choose by")
    parser.add_argument("--torch-threads", type=int, default=1, help="compute threads (another number may change the last bits)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="threads that decode images (changes no number)")
    parser.add_argument("--cells", required=True, type=Path, help="records to write (.json)")
    parser.add_argument("--predictions", required=True, type=Path, help="predicted classes of the test images to write (.npz)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.devices import choose_device
    from fourlenses.evaluation.evaluate import Protocol, Target, evaluate

    targets = [
        Target(**{**target, "beton": Path(target["beton"]), "manifest": Path(target["manifest"])})
        for target in json.loads(arguments.targets)
    ]
    protocol = Protocol(arguments.image_size, arguments.strengths, arguments.validation_fraction, arguments.torch_threads)
    evaluate(arguments.run, targets, protocol, choose_device(arguments.device), arguments.workers, arguments.cells, arguments.predictions)


if __name__ == "__main__":
    run(main)

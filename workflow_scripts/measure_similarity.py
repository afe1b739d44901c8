"""Measure how far a study's image domains lie from each other, on features of encoders that were never trained, into similarity.csv."""

import argparse
import json
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
        help="directories of random encoders, one per seed",
    )
    parser.add_argument(
        "--domains", required=True, help='JSON list of {"dataset", "beton", "manifest"}'
    )
    parser.add_argument(
        "--images", type=int, default=2000, help="test images of each dataset, at most"
    )
    parser.add_argument(
        "--image-size", required=True, type=int, help="side of the images the encoder sees, px"
    )
    parser.add_argument(
        "--torch-threads", type=int, default=1, help="compute threads (changes the last bits)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--workers",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="threads that decode images (changes no number)",
    )
    parser.add_argument("--output", required=True, type=Path, help="similarity.csv to write")
    arguments = parser.parse_args()

    import torch

    from fourlenses.core.files import write_csv
    from fourlenses.evaluation.domain_similarity import COLUMNS, Domain, measure
    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.parallel.devices import choose_device

    torch.set_num_threads(arguments.torch_threads)
    domains = [
        Domain(one["dataset"], Path(one["beton"]), Path(one["manifest"]))
        for one in json.loads(arguments.domains)
    ]
    encoders = [Encoder.read(directory) for directory in arguments.runs]
    device = choose_device(arguments.device)
    rows = measure(
        domains, encoders, arguments.images, arguments.image_size, device, arguments.workers
    )
    rounded = (
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    write_csv(arguments.output, COLUMNS, rounded)
    print(f"{arguments.output}: {len(rows)} rows")


if __name__ == "__main__":
    run(main)

"""Measure the distances between a study's image domains, on random-init encoders' features."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.core.machine.cores import usable_cores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--runs", required=True, nargs="+", type=Path, help="random-init encoders, one per seed"
    )
    parser.add_argument("--datasets", required=True, nargs="+", help="names of the datasets")
    parser.add_argument("--betons", required=True, nargs="+", type=Path, help="one .beton for each")
    parser.add_argument(
        "--manifests", required=True, nargs="+", type=Path, help="one manifest (.parquet) for each"
    )
    parser.add_argument(
        "--images", type=int, default=2000, help="test images of each dataset, at most"
    )
    parser.add_argument(
        "--torch-threads", type=int, default=1, help="compute threads (changes the last bits)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--workers",
        type=int,
        default=usable_cores(),
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
        Domain(*domain)
        for domain in zip(arguments.datasets, arguments.betons, arguments.manifests, strict=True)
    ]
    rows = measure(
        domains,
        [Encoder.read(directory) for directory in arguments.runs],
        max_images=arguments.images,
        device=choose_device(arguments.device),
        workers=arguments.workers,
    )
    rounded = (
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    write_csv(arguments.output, COLUMNS, rounded)
    print(f"{arguments.output}: {len(rows)} rows")


if __name__ == "__main__":
    run(main)

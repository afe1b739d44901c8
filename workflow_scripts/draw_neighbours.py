"""Draw nearest neighbours of some test images and a map of their features, for some encoders."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.core.machine.cores import usable_cores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--dataset", required=True, help="its name")
    parser.add_argument("--manifest", required=True, type=Path, help="of the dataset (.parquet)")
    parser.add_argument("--names", required=True, nargs="+", help="what each encoder is called")
    parser.add_argument(
        "--runs",
        required=True,
        nargs="+",
        type=Path,
        help="directories with encoder.safetensors and run.json, one for each name",
    )
    parser.add_argument(
        "--betons", required=True, nargs="+", type=Path, help="of clean images, one for each run"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--workers", type=int, default=usable_cores(), help="threads that decode images"
    )
    parser.add_argument(
        "--labels", type=json.loads, default={}, help="JSON: datasets and what they are called"
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="the picture to write (.webp); a .csv next to it"
    )
    parser.add_argument(
        "--map", required=True, type=Path, help="the map of the features to write (.webp)"
    )
    arguments = parser.parse_args()

    from fourlenses.evaluation.encoder import Encoder
    from fourlenses.parallel.devices import choose_device
    from fourlenses.pictures.neighbours import Named, draw_neighbours
    from fourlenses.study import labels

    entries = zip(arguments.names, arguments.runs, arguments.betons, strict=True)
    with labels.using(arguments.labels):
        draw_neighbours(
            arguments.dataset,
            arguments.manifest,
            [
                Named(name=name, encoder=Encoder.read(directory), beton=beton)
                for name, directory, beton in entries
            ],
            device=choose_device(arguments.device),
            workers=arguments.workers,
            output=arguments.output,
            map_output=arguments.map,
        )
    print(arguments.output)
    print(arguments.map)


if __name__ == "__main__":
    run(main)

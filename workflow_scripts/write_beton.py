"""Convert a dataset, as its manifest lists it, to an FFCV beton with a sidecar."""

import argparse
import json
import logging
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.core.machine.cores import usable_cores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--dataset", required=True, help="name of the dataset")
    parser.add_argument(
        "--definition", required=True, help="JSON: its entry under 'datasets' in the config"
    )
    parser.add_argument(
        "--raw-data", required=True, type=Path, help="folder that relative paths start from"
    )
    parser.add_argument("--manifest", required=True, type=Path, help="its manifest (.parquet)")
    parser.add_argument("--variant", default="clean", help="clean, or the name of a corruption")
    parser.add_argument(
        "--stored-size",
        required=True,
        type=int,
        help="shortest side in px; larger images are shrunk to it",
    )
    parser.add_argument(
        "--max-undecodable",
        type=float,
        default=0.01,
        help="share of undecodable images beyond which to fail",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="the .beton to write; its sidecar is the same name with .json",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=usable_cores(),
        help="threads that decode images (changes no byte)",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.data.conversion.convert import write_beton
    from fourlenses.data.download.registry import remembering_downloads
    from fourlenses.data.manifest.manifest import read_manifest

    with remembering_downloads(arguments.manifest.parent / "downloads"):
        write_beton(
            arguments.dataset,
            json.loads(arguments.definition),
            arguments.raw_data,
            manifest=read_manifest(arguments.manifest),
            variant=arguments.variant,
            size=arguments.stored_size,
            max_undecodable=arguments.max_undecodable,
            output=arguments.output,
            workers=arguments.workers,
        )


if __name__ == "__main__":
    run(main)

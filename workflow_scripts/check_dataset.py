"""Check a dataset before anything is trained on it.

Counts, sizes, copies, leaks between the splits, undecodable files, and a sheet of examples. Ends
with a verdict: ok, look at these, or not usable (exit code 2). The reports are written in any case.
"""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run
from fourlenses.core.machine.cores import usable_cores


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", required=True, help="name of the dataset")
    parser.add_argument(
        "--definition", required=True, help="JSON: its entry under 'datasets' in the config"
    )
    parser.add_argument(
        "--raw-data", required=True, type=Path, help="folder that relative paths start from"
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        help="its manifest (.parquet); without it the dataset is indexed first, in memory",
    )
    parser.add_argument(
        "--targets",
        default="[]",
        help="JSON: datasets whose test images may not be among its training images, each with "
        "'dataset', 'definition' and 'manifest' (a path)",
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="folder for the reports, e.g. data/mine/check"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=usable_cores(),
        help="processes (all cores); changes no byte",
    )
    parser.add_argument(
        "--exit-zero",
        action="store_true",
        help="leave the verdict to the report: exit code 0 whatever it is",
    )
    add_thresholds(parser)
    return parser.parse_args()


def add_thresholds(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fourlenses.check.check.CheckSettings`."""
    parser.add_argument(
        "--image-size",
        type=int,
        default=224,
        help="px, of the study; smaller images are pointed out (224)",
    )
    parser.add_argument(
        "--stored-size",
        type=int,
        default=256,
        help="px, at which a source that draws its images draws them (256)",
    )
    parser.add_argument(
        "--max-undecodable",
        type=float,
        default=0.01,
        help="share of undecodable images that is an error (0.01)",
    )
    parser.add_argument(
        "--asked",
        type=int,
        default=0,
        help="training images that the study asks for; fewer are an error (0)",
    )
    parser.add_argument(
        "--few-images",
        type=int,
        default=10,
        help="classes with fewer training images are pointed out (10)",
    )
    parser.add_argument(
        "--sample",
        type=int,
        default=0,
        help="inspect this many images, drawn by the seed, instead of all (0: all)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the sample and of the examples on the contact sheet (0)",
    )


def main() -> None:
    arguments = parse_arguments()

    from fourlenses.check.check import CheckSettings, check_dataset
    from fourlenses.check.overlaps import Target
    from fourlenses.check.report import failure, is_usable, summary
    from fourlenses.core.errors import UserError
    from fourlenses.data.dataset import index_dataset
    from fourlenses.data.manifest.manifest import read_manifest

    name, definition = arguments.dataset, json.loads(arguments.definition)
    settings = CheckSettings(
        image_size=arguments.image_size,
        stored_size=arguments.stored_size,
        max_undecodable=arguments.max_undecodable,
        asked=arguments.asked,
        few_images=arguments.few_images,
        sample=arguments.sample,
        seed=arguments.seed,
    )
    if arguments.manifest:
        manifest = read_manifest(arguments.manifest)
    else:
        manifest = index_dataset(name, definition, arguments.raw_data)
    report = check_dataset(
        name,
        definition,
        arguments.raw_data,
        manifest=manifest,
        settings=settings,
        folder=arguments.output,
        workers=arguments.workers,
        targets=[Target.read(entry) for entry in json.loads(arguments.targets)],
    )
    print(summary(report))
    if not is_usable(report) and not arguments.exit_zero:
        raise UserError(failure(report, arguments.output))


if __name__ == "__main__":
    run(main)

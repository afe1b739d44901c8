"""Write what a new dataset begins with, commented and working as it is: a study, a test, and for source `manifest` a rule of its own."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "rules" / "datasets" / "template"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="As a make command: make new-dataset NAME=mine [SOURCE=image_folder] [DATA=/where/the/images/are]",
    )
    parser.add_argument(
        "--name",
        required=True,
        help="name of the dataset: a lower-case letter, then letters, digits, underscores",
    )
    parser.add_argument(
        "--source",
        choices=["manifest", "image_folder"],
        default="manifest",
        help="manifest: a rule and a Python function list the images (default). image_folder: class folders, read as they are; no code",
    )
    parser.add_argument(
        "--data", type=Path, help="folder or archive of the images (default: raw/<name>)"
    )
    arguments = parser.parse_args()

    from fourlenses.config.new_dataset import write_dataset

    for file in write_dataset(ROOT, TEMPLATES, arguments.name, arguments.source, arguments.data):
        print(f"wrote {file.relative_to(ROOT)}")
    images = arguments.data or f"raw/{arguments.name}"
    print(
        f"next: {'' if arguments.data else f'put the images into {images}/<class>/, then  '}",
        end="",
    )
    print(f"snakemake check_dataset --cores 2 --configfile studies/{arguments.name}.yaml")


if __name__ == "__main__":
    run(main)

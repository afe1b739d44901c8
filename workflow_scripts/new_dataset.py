"""Write the files that a new dataset begins with, commented and working as they are.

A study and a test, and for source `manifest` a rule and its program.
"""

import argparse
from pathlib import Path

from fourlenses.core.cli import run

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="As a make command: make new-dataset NAME=mine [SOURCE=image_folder] [DATA=/images]",
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
        help="manifest: a rule and a Python function list the images (default). image_folder: "
        "class folders, read as they are; no code",
    )
    parser.add_argument(
        "--data", type=Path, help="folder or archive of the images (default: raw/<name>)"
    )
    arguments = parser.parse_args()

    from fourlenses.config.new_dataset import write_dataset

    for file in write_dataset(ROOT, arguments.name, source=arguments.source, images=arguments.data):
        print(f"wrote {file.relative_to(ROOT)}")
    first = "" if arguments.data else f"put the images into raw/{arguments.name}/<class>/, then  "
    study = f"studies/{arguments.name}.yaml"
    print(f"next: {first}snakemake check_dataset --cores 2 --configfile {study}")


if __name__ == "__main__":
    run(main)

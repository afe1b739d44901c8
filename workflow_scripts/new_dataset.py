"""Write the files that a new dataset begins with, commented and working as they are.

A study and a test, and for source `manifest` a rule and its program.
"""

import argparse
import os
from pathlib import Path

from fourlenses.core.cli import run

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="As a make command: make new-dataset NAME=mine [SOURCE=image_folder] [DATA=/images] "
        "[FOR=gpu]",
    )
    parser.add_argument(
        "--name",
        required=True,
        help="name of the dataset: a lower-case letter, then letters, digits, underscores",
    )
    parser.add_argument(
        "--source",
        default="manifest",
        help="how the images lie: image_folder (class folders), csv_list or another source of "
        "docs/reference/sources.md; manifest (default): a rule and a Python function list them",
    )
    parser.add_argument(
        "--data", type=Path, help="folder or archive of the images (default: raw/<name>)"
    )
    parser.add_argument(
        "--for",
        dest="device",
        choices=("gpu", "cpu"),
        help="what the study is for (default: what this machine has)",
    )
    arguments = parser.parse_args()

    from fourlenses.config.new_dataset.write import write_dataset
    from fourlenses.core.machine.gpus import given_gpu

    name = arguments.name
    device = arguments.device or ("gpu" if given_gpu(os.environ) else "cpu")
    files, known = write_dataset(
        ROOT, name, source=arguments.source, images=arguments.data, gpu=device == "gpu"
    )
    for file in files:
        print(f"wrote {file.relative_to(ROOT)}")
    print(f"the study is for a {device.upper()}; FOR=gpu or FOR=cpu chooses")
    if known.unknown:
        print(f"its sizes are `all`, as the images were not counted: {known.unknown}")
    first = "" if arguments.data else f"put the images into raw/{name}/<class>/, then  "
    print(f"next: {first}make run TARGET=check_dataset CONFIG=studies/{name}.yaml")


if __name__ == "__main__":
    run(main)

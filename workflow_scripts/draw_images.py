"""Draw some images of a dataset as a study uses them: clean, augmented and corrupted."""

import argparse
import json
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="its name")
    parser.add_argument("--beton", required=True, type=Path, help="of its clean images")
    parser.add_argument("--manifest", required=True, type=Path, help="of the dataset (.parquet)")
    parser.add_argument(
        "--treatments",
        required=True,
        help='JSON of {"augmentations": [[label, [augmentation of each view]]], "corruptions", '
        '"stored_size", "image_size", "seed"}',
    )
    parser.add_argument(
        "--labels", type=json.loads, default={}, help="JSON: datasets and what they are called"
    )
    parser.add_argument("--output", required=True, type=Path, help="the picture to write (.webp)")
    arguments = parser.parse_args()

    from fourlenses.pictures.examples import Treatments, draw_examples
    from fourlenses.study import labels

    with labels.using(arguments.labels):
        draw_examples(
            arguments.dataset,
            arguments.beton,
            arguments.manifest,
            treatments=Treatments.from_json(json.loads(arguments.treatments)),
            output=arguments.output,
        )
    print(arguments.output)


if __name__ == "__main__":
    run(main)

"""Index a dataset: one row per image, with its split and its label at every level."""

import argparse
import json
import logging
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the dataset")
    parser.add_argument(
        "--definition", required=True, help="JSON: its entry under 'datasets' in the config"
    )
    parser.add_argument(
        "--raw-data", required=True, type=Path, help="folder that relative paths start from"
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="the manifest to write (.parquet)"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    from fourlenses.core.errors import printable
    from fourlenses.data.dataset import index_dataset
    from fourlenses.data.download.registry import remembering_downloads
    from fourlenses.data.manifest.manifest import hierarchy_of, one_sided, write_manifest

    definition = json.loads(arguments.definition)
    with remembering_downloads(arguments.output.parent / "downloads"):
        manifest = index_dataset(arguments.dataset, definition, arguments.raw_data)
    write_manifest(manifest, arguments.output)
    hierarchy = hierarchy_of(manifest)
    for split, classes in one_sided(manifest).items():
        if classes:
            consequence = "never scored" if split == "train" else "scored, always as wrong"
            example = printable(classes[0])
            logging.warning(
                "%d classes have %s images only (%s), e.g. '%s'",
                len(classes),
                split,
                consequence,
                example,
            )
    levels = ", ".join(
        f"{len(classes)} {name}"
        for name, classes in zip(hierarchy.names, hierarchy.classes, strict=True)
    )
    splits = manifest["split"].value_counts().to_dict()
    logging.info("%s: %s; labels: %s", arguments.dataset, splits, levels)


if __name__ == "__main__":
    run(main)

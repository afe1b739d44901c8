"""Draw one of a dataset's nested training subsets."""

import argparse
from pathlib import Path

from fourlenses.core.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the dataset, for messages")
    parser.add_argument("--manifest", required=True, type=Path, help="its manifest (.parquet)")
    parser.add_argument(
        "--sidecar",
        required=True,
        type=Path,
        help="sidecar of its clean beton: undecodable images are not drawn",
    )
    parser.add_argument(
        "--subset",
        required=True,
        help="number of images, or 'all'; followed by _balanced, or of a number by _per_class, and "
        "by _draw<k> for another draw than the first",
    )
    parser.add_argument(
        "--seed", required=True, type=int, help="seed of the order that all sizes share"
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="manifest rows to write (.npy, int64)"
    )
    arguments = parser.parse_args()

    import numpy as np

    from fourlenses.core.files import atomic, read_json
    from fourlenses.data.beton.sidecar import undecodable_of
    from fourlenses.data.manifest.manifest import read_manifest
    from fourlenses.data.manifest.subsets import classes_with_fewer, draw_subset

    undecodable = {entry["id"] for entry in undecodable_of(read_json(arguments.sidecar))}
    manifest = read_manifest(arguments.manifest)
    rows = draw_subset(
        manifest,
        undecodable,
        subset=arguments.subset,
        seed=arguments.seed,
        dataset=arguments.dataset,
    )
    fewer = classes_with_fewer(manifest, rows, arguments.subset)
    if fewer:
        print(f"{arguments.dataset}: {fewer} classes have fewer images, and give all they have")
    with atomic(arguments.output) as temporary, open(temporary, "wb") as file:
        np.save(file, rows, allow_pickle=False)


if __name__ == "__main__":
    run(main)

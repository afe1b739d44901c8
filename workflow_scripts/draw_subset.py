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
        help="number of images, or 'all'; followed by _balanced, and by _draw<k> for another draw "
        "than the first",
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
    from fourlenses.data.manifest.subsets import draw_subset

    undecodable = {entry["id"] for entry in undecodable_of(read_json(arguments.sidecar))}
    rows = draw_subset(
        read_manifest(arguments.manifest),
        undecodable,
        subset=arguments.subset,
        seed=arguments.seed,
        dataset=arguments.dataset,
    )
    with atomic(arguments.output) as temporary, open(temporary, "wb") as file:
        np.save(file, rows, allow_pickle=False)


if __name__ == "__main__":
    run(main)

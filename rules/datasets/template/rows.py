"""List the images of dataset __NAME__: one row each, with its split and its labels."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from fourlenses.core.cli import run

EXTENSIONS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def rows(folder: Path) -> Iterator[dict]:
    """What to change: yield a row for each image. As it stands it reads <class>/<image>, and puts every fifth image into the test split.

    A row has ``path`` (from the folder), ``split`` (train or test) and ``level:<name>`` for every level of its labels, coarse to fine,
    the last being the class: {"path": …, "split": …, "level:family": "Felidae", "level:class": "lynx"}. ``id`` may be given too
    (the path is taken otherwise); keep it when files are renamed, since subsets are drawn by it.
    """
    from fourlenses.core.randomness import named_seed, string_ids, uniform

    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in EXTENSIONS and file.is_file():
            path = file.relative_to(folder).as_posix()
            # drawn from the path: an image stays on its side when others come or go
            draw = uniform(named_seed(0, "split"), string_ids([path]), draws=1)[0, 0]
            yield {
                "path": path,
                "split": "test" if draw < 0.2 else "train",
                "level:class": file.parent.name,
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--raw-data", required=True, type=Path, help="folder that relative paths start from"
    )
    parser.add_argument("--path", required=True, help="the folder of the images, in it")
    parser.add_argument("--output", required=True, type=Path, help="the rows to write (.parquet)")
    arguments = parser.parse_args()

    from fourlenses.data.manifest.contract import write_rows

    count = write_rows(rows(arguments.raw_data / arguments.path), arguments.output)
    print(f"{arguments.output}: {count} images")


if __name__ == "__main__":
    run(main)

"""Draw the images of dataset example_shapes and list them: one row each, with split and labels.

The program of an example, to be read and copied: rules/datasets/example_shapes.smk runs it. Equal
arguments give equal bytes.
"""

import argparse
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fourlenses.core.cli import run

CORNERS = {"triangle": 3, "square": 4, "hexagon": 6, "star": 10, "disc": 90, "ring": 90}
# The hierarchy: a coarse label of each class.
KINDS = {name: "angular" if corners < 90 else "round" for name, corners in CORNERS.items()}
SIDE = 40  # px
OVERSAMPLING = 4  # drawn larger and shrunk, for smooth edges
TEST_SHARE = 0.3


def outline(shape: str, radius: float, angle: float) -> list[tuple[float, float]]:
    """Return the corners of a shape around the centre of the image."""
    centre, corners = SIDE * OVERSAMPLING / 2, CORNERS[shape]
    points = []
    for corner in range(corners):
        # a star's corners are alternately far and near
        distance = radius * (0.45 if shape == "star" and corner % 2 else 1.0)
        direction = angle + 2 * math.pi * corner / corners
        x, y = distance * math.cos(direction), distance * math.sin(direction)
        points.append((centre + x, centre + y))
    return points


def draw(shape: str, random: np.random.Generator) -> bytes:
    """Return one image as a PNG: a bright shape of any direction on a dark ground, with noise."""
    side = SIDE * OVERSAMPLING
    ground, hole = (tuple(random.integers(0, 100, 3).tolist()) for _ in range(2))
    colour = tuple(random.integers(130, 256, 3).tolist())
    radius, angle = side * random.uniform(0.35, 0.45), random.uniform(0, 2 * math.pi)
    image = Image.new("RGB", (side, side), ground)
    canvas = ImageDraw.Draw(image)
    canvas.polygon(outline(shape, radius, angle), fill=colour)
    if shape == "ring":
        canvas.polygon(outline(shape, radius * 0.6, angle), fill=hole)
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    noisy = pixels + random.normal(0, 8, pixels.shape)
    encoded = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(encoded, "PNG")
    return encoded.getvalue()


def write_images(archive: Path, images_per_class: int, seed: int) -> Iterator[dict[str, str]]:
    """Write the images into a ZIP file and yield the row of each.

    A row has ``path`` (in the archive), ``split`` (train or test) and ``level:<name>`` for every
    level of its labels, from coarse to fine; the last one is the class.
    """
    with zipfile.ZipFile(archive, "w") as opened:
        for label, shape in enumerate(CORNERS):
            for number in range(images_per_class):
                # by its own numbers: an image stays as it is when others are added
                random = np.random.default_rng((seed, label, number))
                path = f"{shape}/{number:04}.png"
                # without the time, so that the archive has the same bytes each time
                opened.writestr(zipfile.ZipInfo(path), draw(shape, random))
                yield {
                    "path": path,
                    "split": "test" if random.uniform() < TEST_SHARE else "train",
                    "level:kind": KINDS[shape],
                    "level:shape": shape,
                }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images-per-class", type=int, default=100, help="in both splits together")
    parser.add_argument("--seed", type=int, default=0, help="of the drawings and the split")
    parser.add_argument("--archive", required=True, type=Path, help="images to write (.zip)")
    parser.add_argument("--rows", required=True, type=Path, help="rows to write (.parquet)")
    arguments = parser.parse_args()

    from fourlenses.core.files import atomic
    from fourlenses.data.manifest.contract import write_rows

    with atomic(arguments.archive) as temporary:
        rows = list(write_images(temporary, arguments.images_per_class, arguments.seed))
    print(f"{arguments.rows}: {write_rows(rows, arguments.rows)} images")


if __name__ == "__main__":
    run(main)

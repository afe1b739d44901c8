"""How many images and classes a dataset has, and how large its files are, before it is indexed too.

The sidecar of a beton counts first, then the manifest, then the definition (synthetic images), then
what the authors of the paper's four datasets publish. Of any other dataset nothing is known before
it is indexed.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from fourlenses.core.files import read_json
from fourlenses.study.corruptions import CORRUPTION_FAMILIES, CORRUPTIONS
from fourlenses.study.encoders import ALL, PER_CLASS
from fourlenses.study.layout import Layout, manifest


@dataclass(frozen=True, kw_only=True)
class Size:
    """The size of a dataset; None: not known.

    Args:
        train: training images.
        test: test images.
        classes: at the finest level.
        file_bytes: of an image file as published, on average.
        pixels: of an image as published, long side x short side; None: squares of the stored size.
        levels: labels of each level, coarse to fine; empty where they are not known.
        how: where the numbers come from.
    """

    train: int | None = None
    test: int | None = None
    classes: int | None = None
    file_bytes: float | None = None
    pixels: tuple[int, int] | None = None
    levels: dict[str, int] = field(default_factory=dict)
    how: str = "unknown before it is indexed"

    @property
    def images(self) -> int | None:
        """Training and test images together."""
        return None if self.train is None or self.test is None else self.train + self.test

    def of_subset(self, asked: str) -> int | None:
        """Return the images of a subset (`all`, `1000`, `5_per_class`); None where not known."""
        if asked == ALL:
            return self.train
        if not asked.endswith(PER_CLASS):
            return int(asked)
        if self.classes is None:
            return None
        images = int(asked.removesuffix(PER_CLASS)) * self.classes
        return min(images, self.train or images)


# Images of the published files (docs/reference/datasets.md). Bytes are those of the published
# archives divided by their images; sides are typical ones. GLC20: United States part of 1,097,640
# patches of 256 px, of which the default split keeps 95 % of the blocks for training; it comes as
# arrays and is stored as JPEG.
PUBLISHED = {
    "imagenet": Size(
        train=1_281_167,
        test=50_000,
        classes=1000,
        file_bytes=144.3e9 / 1_331_167,
        pixels=(500, 375),
        how="published",
    ),
    "inat21": Size(
        train=2_686_843,
        test=100_000,
        classes=10_000,
        file_bytes=232.4e9 / 2_786_843,
        pixels=(500, 400),
        how="published",
    ),
    "inat21/train_mini": Size(
        train=500_000,
        test=100_000,
        classes=10_000,
        file_bytes=50.4e9 / 600_000,
        pixels=(500, 400),
        how="published",
    ),
    "places365": Size(
        train=1_803_460,
        test=36_500,
        classes=365,
        file_bytes=24e9 / 1_839_960,
        pixels=(256, 256),
        how="published",
    ),
    "glc20": Size(
        train=1_042_758,
        test=54_882,
        classes=16,
        pixels=(256, 256),
        how="published; the split is an estimate",
    ),
}
SYNTHETIC_CLASSES = {"objects": 24, "species": 28, "scenes": 21, "landcover": 12}
# px: `data.conversion.encode` stores images that it had to shrink as pixels up to this side
RAW_UP_TO = 128
# Bytes a pixel of a JPEG: at quality 95 without subsampling, and per quality of the family jpeg.
# Photographs at 256 to 512 px; +-30 %.
JPEG_95 = 0.75
JPEG_LOW = 0.13


def size_of(name: str, definition: dict, stored_size: int, *, root: Path = Path()) -> Size:
    """Return what is known of a dataset.

    Args:
        name: of the dataset.
        definition: its entry of `datasets` in the config.
        stored_size: px; the beton of another size counts as well.
        root: the folder of data/.
    """
    published = _published(definition)
    sidecars = [Layout("*", size).sidecar(name) for size in (stored_size, "*")]
    for sidecar in [root / sidecars[0], *sorted(root.glob(sidecars[1]))]:
        if sidecar.exists():
            record = read_json(sidecar)
            images = record["images"]
            return replace(
                published,
                train=images["train"],
                test=images["test"],
                classes=record["classes"],
                levels=record.get("levels", {}),
                how=str(sidecar),
            )
    manifest_file = root / manifest(name)
    if not manifest_file.exists():
        return published
    from fourlenses.data.manifest.manifest import column, hierarchy_of, read_manifest

    rows = read_manifest(manifest_file)
    splits = list(column(rows, "split"))
    train, hierarchy = splits.count("train"), hierarchy_of(rows)
    return replace(
        published,
        train=train,
        test=len(splits) - train,
        classes=hierarchy.num_classes,
        levels=dict(zip(hierarchy.names, map(len, hierarchy.classes), strict=True)),
        how=str(manifest_file),
    )


def _published(definition: dict) -> Size:
    source = definition["source"]
    if source == "synthetic":
        return Size(
            train=definition["train_images"],
            test=definition["test_images"],
            classes=SYNTHETIC_CLASSES[definition["domain"]],
            how="defined",
        )
    if source == "inat21" and definition.get("train") == "train_mini":
        source = "inat21/train_mini"
    return PUBLISHED.get(source, Size())


def image_bytes(size: Size, stored_size: int, variant: str) -> float:
    """Return the bytes of an average image in a beton, as `data.conversion.encode` stores it.

    Files that fit pass through; small and corrupted images are pixels.
    """
    long, short = size.pixels or (stored_size, stored_size)
    scale = min(1.0, stored_size / short)
    if variant != "clean":
        name, parameter = CORRUPTIONS[variant]
        family = CORRUPTION_FAMILIES[name]
        if family.stored_side != 0:
            scale = min(scale, (family.stored_side or parameter) / short)
        pixels = long * short * scale**2
        return JPEG_LOW * pixels if family.stored_as_jpeg else 3 * pixels
    if scale == 1 and size.pixels and size.file_bytes:
        return size.file_bytes
    pixels = long * short * scale**2
    return 3 * pixels if math.ceil(long * scale) <= RAW_UP_TO else JPEG_95 * pixels

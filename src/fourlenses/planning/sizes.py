"""How many images a dataset has, how many classes, and how large its files are, before and after it is there.

What is there counts first: the sidecar of a beton, else the manifest. Otherwise the definition (synthetic images), else what the authors of
the paper's four datasets publish. Of any other dataset nothing is known before it is indexed.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.files import read_json
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.layout import Layout, manifest
from fourlenses.study.vocabulary import CORRUPTION_FAMILIES


@dataclass(frozen=True)
class Size:
    """train, test: images; classes: at the finest level; each None where it is not known. file_bytes: of an image file as published.
    pixels: of an image as published, long side x short side; None: squares of the stored size. how: where the numbers come from."""

    train: int | None = None
    test: int | None = None
    classes: int | None = None
    file_bytes: float | None = None
    pixels: tuple[int, int] | None = None
    how: str = "unknown before it is indexed"


# Images of the published files (docs/reference/datasets.md). Bytes are those of the published archives divided by their images; sides are typical
# ones. GLC20: United States part of 1,097,640 patches of 256 px, of which the default split keeps 95 % of the blocks for training; it comes
# as arrays and is stored as JPEG.
PUBLISHED = {
    "imagenet": Size(1_281_167, 50_000, 1000, 144.3e9 / 1_331_167, (500, 375), "published"),
    "inat21": Size(2_686_843, 100_000, 10_000, 232.4e9 / 2_786_843, (500, 400), "published"),
    "inat21/train_mini": Size(500_000, 100_000, 10_000, 50.4e9 / 600_000, (500, 400), "published"),
    "places365": Size(1_803_460, 36_500, 365, 24e9 / 1_839_960, (256, 256), "published"),
    "glc20": Size(1_042_758, 54_882, 16, None, (256, 256), "published; the split is an estimate"),
}
SYNTHETIC_CLASSES = {"objects": 24, "species": 28, "scenes": 21, "landcover": 12}
RAW_UP_TO = 128  # px: data.encode stores images that it had to shrink as pixels up to this side
# Bytes a pixel of a JPEG: at quality 95 without subsampling, and per quality of the family jpeg. Photographs at 256 to 512 px; +-30 %.
JPEG_95 = 0.75
JPEG_LOW = 0.13


def size_of(name: str, definition: dict, stored_size: int, root: Path = Path()) -> Size:
    """What is known of a dataset. ``root``: the folder of data/."""
    published = _published(definition)
    sidecars = [Layout("*", size).sidecar(name) for size in (stored_size, "*")]
    for sidecar in [root / sidecars[0], *sorted(root.glob(sidecars[1]))]:
        if sidecar.exists():
            found = read_json(sidecar)
            images = found["images"]
            return Size(
                images["train"],
                images["test"],
                found["classes"],
                published.file_bytes,
                published.pixels,
                f"{sidecar}",
            )
    manifest_file = root / manifest(name)
    if manifest_file.exists():
        from fourlenses.data.manifest.manifest import column, hierarchy_of, read_manifest

        read = read_manifest(manifest_file)
        splits = list(column(read, "split"))
        train, classes = splits.count("train"), hierarchy_of(read).num_classes
        return Size(
            train,
            len(splits) - train,
            classes,
            published.file_bytes,
            published.pixels,
            f"{manifest_file}",
        )
    return published


def _published(definition: dict) -> Size:
    source = definition["source"]
    if source == "synthetic":
        classes = SYNTHETIC_CLASSES[definition["domain"]]
        return Size(
            definition["train_images"], definition["test_images"], classes, None, None, "defined"
        )
    if source == "inat21" and definition.get("train") == "train_mini":
        source = "inat21/train_mini"
    return PUBLISHED.get(source, Size())


def image_bytes(size: Size, stored_size: int, variant: str) -> float:
    """Bytes of an average image in a beton, after data.encode: files that fit pass through, small and corrupted images are pixels."""
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

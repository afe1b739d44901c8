"""Oxford Flowers-102 (https://www.robots.ox.ac.uk/~vgg/data/flowers/102/), as downloaded.

Three files: an archive of numbered images, the class of each number, and which numbers are for
what. The authors' training and validation images, 20 of a class, are the training images; their
test images are the test images.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.download.registry import md5_sums
from fourlenses.data.images.content import LazyImage
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.sources.common import published_archives as published
from fourlenses.data.sources.common.image_files import stream_pictures
from fourlenses.data.sources.flowers102.matlab import read_numbers

IMAGES, LABELS, SPLITS = "102flowers.tgz", "imagelabels.mat", "setid.mat"
# an archive, decompressed or extracted
NAMES = {IMAGES: (IMAGES, "102flowers.tar.gz", "102flowers.tar", "jpg", "102flowers")}
SPLIT_OF = {"trnid": "train", "valid": "train", "tstid": "test"}


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    md5 = md5_sums("flowers102") if definition.get("verify", True) else {}
    folder = raw_data / definition["path"]
    part, labels, splits = (
        published.find(name, folder, names=NAMES.get(file, (file,)), kind=kind)
        for file, kind in (
            (IMAGES, "images of Flowers-102"),
            (LABELS, "labels of Flowers-102"),
            (SPLITS, "splits of Flowers-102"),
        )
    )
    (classes,) = read_numbers(labels, ["labels"], md5=md5.get(LABELS)).values()
    numbers = read_numbers(splits, list(SPLIT_OF), md5=md5.get(SPLITS))
    split_of = {number: SPLIT_OF[key] for key, listed in numbers.items() for number in listed}
    names, rows = _class_names(), published.Rows()
    if max(classes) > len(names):
        raise UserError(
            f"{labels} has a class {max(classes)}, Flowers-102 has {len(names)}; download it again"
        )
    for path, file in published.files(part, name, suffix=".jpg", md5=md5.get(part.name)):
        identity = PurePosixPath(path).stem
        number = identity.removeprefix("image_")
        if not number.isdigit() or int(number) not in split_of or int(number) > len(classes):
            raise UserError(
                f"config key 'datasets.{name}.path': {part} has '{path}', which {LABELS} and "
                f"{SPLITS} do not list; take what is not of Flowers-102 away"
            )
        label = names[classes[int(number) - 1] - 1]
        split, size = split_of[int(number)], header_size(file)
        rows.add(path, identity=identity, split=split, class_name=label, size=size)
    rows.check_splits(name, part, part)
    return rows.frame({"class": {label: label for label in rows.numbers}})


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _class_names() -> list[str]:
    """Return the names of the classes in the order of their numbers."""
    from torchvision.datasets import Flowers102  # takes seconds to import

    return Flowers102.classes

"""Sources of images. A source is a module with two functions, and an entry in `SOURCES`.

``index(name, definition, raw_data) -> DataFrame``
    Return the manifest of the dataset (see `fourlenses.data.manifest.manifest`), its rows in the
    order in which ``images`` yields them.
``images(name, definition, raw_data, *, manifest, size) -> Iterator[LazyImage]``
    Yield per row of the manifest the bytes of an image file; or uint8 pixels (height, width, 3)
    where the source has pixels only; or the reason why there is neither; or a function that returns
    one of these. The threads that decode call such a function, so that they also read in parallel.

name: of the dataset. definition: its config entry. raw_data: folder that relative paths start from.
size: shortest side of the stored images, px; only sources that draw images need it.
"""

from types import ModuleType

from fourlenses.core.errors import one_of
from fourlenses.data.sources import (
    beton,
    cifar,
    coco,
    csv_list,
    flowers102,
    glc20,
    image_folder,
    imagenet,
    inat21,
    manifest,
    parquet,
    places365,
    synthetic,
    unlabelled,
    webdataset,
)

SOURCES: dict[str, ModuleType] = {
    "image_folder": image_folder,
    "csv_list": csv_list,
    "coco": coco,
    "parquet": parquet,
    "imagenet": imagenet,
    "inat21": inat21,
    "places365": places365,
    "glc20": glc20,
    "webdataset": webdataset,
    "beton": beton,
    "cifar": cifar,
    "flowers102": flowers102,
    "manifest": manifest,
    "synthetic": synthetic,
    "unlabelled": unlabelled,
}


def source_of(definition: dict) -> ModuleType:
    if definition["source"] not in SOURCES:
        raise one_of("source", definition["source"], SOURCES)
    return SOURCES[definition["source"]]

"""Where images come from. A source is a module with two functions, and one line here.

``index(name, definition, raw_data) -> DataFrame``
    the manifest of the dataset (see `fourlenses.data.manifest.manifest`), its rows in the order in which `images` yields them.
``images(name, definition, raw_data, manifest, size) -> Iterator[bytes | ndarray | Undecodable | Callable]``
    per row of the manifest the bytes of an image file, or uint8 pixels (height, width, 3) where the source has them itself, or the reason
    why there is nothing; or a function that gives one of these, which the threads that decode call: they then read side by side as well.
"""

from types import ModuleType

from fourlenses.core.errors import one_of
from fourlenses.data.sources import (
    cifar,
    coco,
    csv_list,
    glc20,
    image_folder,
    imagenet,
    inat21,
    manifest,
    parquet,
    places365,
    synthetic,
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
    "cifar": cifar,
    "manifest": manifest,
    "synthetic": synthetic,
}


def source_of(definition: dict) -> ModuleType:
    if definition["source"] not in SOURCES:
        raise one_of("source", definition["source"], SOURCES)
    return SOURCES[definition["source"]]

"""Where images come from. A source is a module with two functions, and one line here.

``index(name, definition, raw_data) -> DataFrame``
    the manifest of the dataset (see `fourlenses.data.manifest`), its rows in the order in which `images` yields them.
``images(name, definition, raw_data, manifest, size) -> Iterator[bytes | ndarray]``
    per row of the manifest the bytes of an image file, or uint8 pixels (height, width, 3) where the source draws them itself.
"""

from types import ModuleType

from fourlenses.data.sources import image_folder, manifest, synthetic
from fourlenses.errors import one_of

SOURCES: dict[str, ModuleType] = {"image_folder": image_folder, "manifest": manifest, "synthetic": synthetic}


def source_of(definition: dict) -> ModuleType:
    if definition["source"] not in SOURCES:
        raise one_of("source", definition["source"], SOURCES)
    return SOURCES[definition["source"]]

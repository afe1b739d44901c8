"""The way of a dataset from its files to the pixels that are read back from its beton."""

from pathlib import Path

import numpy as np

from fourlenses.core.files import read_json
from fourlenses.data.beton.reader import RAW, Beton
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.images.decode import decode
from fourlenses.data.manifest.manifest import read_manifest, write_manifest
from fourlenses.data.sources import image_folder


def convert_folder(
    path: Path,
    output: Path,
    *,
    size: int = 40,
    name: str = "animals",
    variant: str = "clean",
    allowed: float = 0.0,
    workers: int = 1,
    **keys,
):
    """Write a beton of a folder of images; the manifest, as the index made it.

    Args:
        allowed: share of the images that may be undecodable.
        keys: of the config entry, as `levels`.
    """
    definition = {"source": "image_folder", "path": path.name, **keys}
    manifest = image_folder.index(name, definition, path.parent)
    write_beton(
        name,
        definition,
        path.parent,
        manifest=manifest,
        variant=variant,
        size=size,
        max_undecodable=allowed,
        output=output,
        workers=workers,
    )
    return manifest


def convert(path: Path, output: Path, size: int = 40):
    """Index, write and read the manifest, convert, and read back.

    Returns:
        The pixels by id, the sidecar, and the manifest.
    """
    definition = {"source": "image_folder", "path": path.name}
    write_manifest(
        image_folder.index("animals", definition, path.parent), output / "manifest.parquet"
    )
    manifest = read_manifest(output / "manifest.parquet")
    write_beton(
        "animals",
        definition,
        path.parent,
        manifest=manifest,
        variant="clean",
        size=size,
        max_undecodable=0.5,
        output=output / "x.beton",
        workers=2,
    )
    beton, pixels = Beton(output / "x.beton"), {}
    for sample, row in enumerate(beton.index):
        stored = beton.image(sample)
        raw = (
            stored.data.reshape(stored.height, stored.width, 3)
            if stored.mode == RAW
            else np.asarray(decode(stored.data.tobytes()))
        )
        assert raw.shape[:2] == (stored.height, stored.width)
        pixels[manifest["id"][row]] = raw
    sidecar = read_json(output / "x.json")
    # nothing is lost: what was indexed is either in the beton or listed with a reason
    assert sorted([*pixels, *(entry["id"] for entry in sidecar["undecodable"])]) == sorted(
        manifest["id"]
    )
    return pixels, sidecar, manifest

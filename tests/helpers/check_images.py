"""A folder of images with faults planted in it, and what is known of them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.check.check import CheckSettings, check_dataset
from fourlenses.core.files import read_json
from fourlenses.data.sources import source_of

DEFINITION = {"source": "image_folder", "path": "pets"}


def saved(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scene(seed: int, width: int = 120, height: int = 90) -> Image.Image:
    """A random picture of more detail than `tests.helpers.pictures.picture`."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 11, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def make_pets(folder: Path) -> Path:
    """pets/{train,val}/{cat,dog,eel}: 12 and 5 images of each, nothing wrong with any."""
    for number, name in enumerate(("cat", "dog", "eel")):
        for split, count in (("train", 12), ("val", 5)):
            for index in range(count):
                put(
                    folder,
                    f"{split}/{name}/{index}.jpg",
                    saved(scene(1000 * number + index + 500 * (split == "val")), quality=92),
                )
    return folder


def put(folder: Path, name: str, data: bytes) -> str:
    file = folder / "pets" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return name


def get(folder: Path, name: str) -> bytes:
    return (folder / "pets" / name).read_bytes()


def check(
    folder: Path, out: str = "out", workers: int = 1, definition: dict | None = None, **settings
) -> dict:
    """The report, as it is written."""
    definition = definition or DEFINITION
    manifest = source_of(definition).index("pets", definition, folder)
    settings = CheckSettings(**{"image_size": 32, "stored_size": 32, **settings})
    report = check_dataset(
        "pets",
        definition,
        folder,
        manifest=manifest,
        settings=settings,
        folder=folder / out,
        workers=workers,
    )
    assert read_json(folder / out / "report.json") == report
    return report

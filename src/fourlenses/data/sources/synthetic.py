"""Synthetic images as a dataset.

They are drawn while a beton is written. A drawing is a function of its seed and number, so
thousands of small files would only cost time and inodes.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.data import synthetic
from fourlenses.data.manifest.manifest import Manifest


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    domain, seed = definition["domain"], definition["seed"]
    count = definition["train_images"] + definition["test_images"]
    numbers = np.arange(count)
    labels = np.asarray(synthetic.classes(domain))[synthetic.label(domain, seed, numbers)]
    manifest = pd.DataFrame({"id": [f"{domain}/{seed}/{number}" for number in numbers]})
    manifest["path"] = manifest["id"]
    manifest["split"] = np.where(numbers < definition["train_images"], "train", "test")
    manifest["width"] = manifest["height"] = 0
    for level, column in zip(synthetic.LEVELS, labels.T, strict=True):
        manifest[f"level:{level}"] = column
    return manifest


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[np.ndarray]:
    for number in range(len(manifest["id"])):
        yield synthetic.draw(definition["domain"], definition["seed"], number, size=size)

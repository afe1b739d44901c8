"""Oxford Flowers-102 on a small scale, in its published form."""

import io
from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.helpers.layouts import tar, tree
from tests.helpers.pictures import jpeg_bytes

CLASSES, EACH = (3, 50, 102), 10  # numbers of classes, and images of each: 3 train, 2 valid, 5 test
SPLITS = {"trnid": 3, "valid": 2, "tstid": 5}


def flower_files() -> dict[str, bytes]:
    """Return the three published files by name; images are numbered from 1."""
    count = len(CLASSES) * EACH
    labels = [CLASSES[number % len(CLASSES)] for number in range(count)]
    of_class = {label: [n + 1 for n in range(count) if labels[n] == label] for label in CLASSES}
    numbers, start = {}, 0
    for key, size in SPLITS.items():
        listed = [of_class[label][start : start + size] for label in CLASSES]
        numbers[key], start = np.sort(np.array(listed, np.uint16).ravel()), start + size
    pictures = {f"jpg/image_{n + 1:05d}.jpg": jpeg_bytes(n) for n in reversed(range(count))}
    return {
        "102flowers.tgz": pictures,
        "imagelabels.mat": matlab({"labels": np.array(labels, np.uint8)}),
        "setid.mat": matlab(numbers),
    }


def matlab(values: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, values)
    return buffer.getvalue()


def make_flowers102(folder: Path, *, extracted: bool = False) -> tuple[dict, Path]:
    """Write the files into flowers/ below a folder; return the entry and raw_data."""
    place = folder / "flowers"
    for name, content in flower_files().items():
        if isinstance(content, bytes):
            tree(place, {name: content})
        elif extracted:
            tree(place, content)
        else:
            tar(place / name, content, "w:gz")
    return {"source": "flowers102", "path": "flowers", "verify": False}, folder

"""CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html), as published or unpacked.

Both the "python" and the "binary" archives are read. The python archives are pickles, and a pickle
can name any function to be called. Here the few names that these files use stand for inert classes
of this module, and any other name is refused: no function of numpy or of the standard library runs.
"""

import hashlib
import io
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import content, walk
from fourlenses.data.download.registry import md5_sums
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.manifest import Manifest, text_column

log = logging.getLogger(__name__)
PUBLISHED = {md5: name for name, md5 in md5_sums("cifar").items()}
SPLITS = {
    **{f"data_batch_{number}": "train" for number in range(1, 6)},
    "test_batch": "test",
    "train": "train",
    "test": "test",
}
# file of the label names, and the key in it or None for a text file; the level they name
NAMES: dict[str, dict[str | None, str]] = {
    "batches.meta": {"label_names": "class"},
    "meta": {"coarse_label_names": "coarse", "fine_label_names": "class"},
    "batches.meta.txt": {None: "class"},
    "coarse_label_names.txt": {None: "coarse"},
    "fine_label_names.txt": {None: "class"},
}
LABELS = {"labels": "class", "fine_labels": "class", "coarse_labels": "coarse"}
PIXELS = 3 * 32 * 32  # planes of red, green and blue, row by row


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    numbers: dict[str, list[int]] = {"coarse": [], "class": []}
    names: dict[str, list[str]] = {}
    rows: list[tuple[str, int]] = []
    for member, batch, data in _files(name, path):
        if batch is None:
            names |= _label_names(path, member, data)
            continue
        pixels, labels = _read(path, member, data)
        rows += [(batch, row) for row in range(len(pixels))]
        for level, values in labels.items():
            numbers[level] += values
    if not rows or "class" not in names:
        lacking = "batches" if not rows else "label names"
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds no {lacking} of CIFAR-10 or "
            "CIFAR-100 (python or binary version)"
        )
    if path.is_file():
        _report_published(path)
    manifest = pd.DataFrame({"id": [f"{batch}/{row}" for batch, row in rows]})
    manifest["path"] = manifest["id"]
    manifest["split"] = [SPLITS[batch] for batch, _ in rows]
    manifest["width"] = manifest["height"] = 32
    for level in ("coarse", "class"):
        values, label_names = numbers[level], names.get(level, [])
        if not values:
            continue
        if len(values) != len(rows) or max(values) >= len(label_names):
            raise UserError(
                f"config key 'datasets.{name}.path': {path} has labels ({level}) without a name, "
                "or images without a label"
            )
        manifest[f"level:{level}"] = text_column(label_names[number] for number in values)
    return manifest


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[np.ndarray]:
    path, count = raw_data / definition["path"], 0
    for member, batch, data in _files(name, path):
        if batch is not None:
            pixels, _ = _read(path, member, data)
            count += len(pixels)
            yield from pixels
    if count != len(manifest["id"]):
        raise UserError(
            f"{path} holds {count} images, {len(manifest['id'])} when it was indexed; index it "
            "again"
        )


def _report_published(path: Path) -> None:
    """Log which of the published archives a file is."""
    with open(path, "rb") as file:
        published = PUBLISHED.get(hashlib.file_digest(file, "md5").hexdigest())
    if published:
        log.info("%s: the published %s", path, published)
    else:
        log.info("%s: not one of the published archives (by MD5)", path)


def _files(name: str, path: Path) -> Iterator[tuple[str, str | None, bytes]]:
    """Yield ``(member, batch, content)`` of the batches and, with batch None, of the label names.

    In the binary version batches end in .bin. Their images are those of the python version in the
    same order, so both give the same ids.
    """
    for member, file in walk(path, name):
        stem = PurePosixPath(member).name
        batch = stem.removesuffix(".bin")
        if stem in NAMES or batch in SPLITS:
            data = content(file, name)
            if isinstance(data, Undecodable):
                raise UserError(
                    f"config key 'datasets.{name}.path': {member} in {path} is {data}; fetch it "
                    "again"
                )
            yield member, None if stem in NAMES else batch, data


def _label_names(path: Path, member: str, data: bytes) -> dict[str, list[str]]:
    """Return per level that a file names the names of its labels."""
    return {
        level: (
            data.decode().split()
            if key is None
            else [_text(value) for value in _unpickle(path, member, data)[key]]
        )
        for key, level in NAMES[PurePosixPath(member).name].items()
    }


def _read(path: Path, member: str, data: bytes) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Return the pixels of a batch, uint8 (N, 32, 32, 3), and per level its N labels."""
    if member.endswith(".bin"):
        # before the pixels of every image: one label (CIFAR-10), or a coarse and a fine one
        two_labels = PurePosixPath(member).name in ("train.bin", "test.bin")
        levels = ["coarse", "class"] if two_labels else ["class"]
        record = len(levels) + PIXELS
        if len(data) % record:
            raise UserError(
                f"{path}: {member} is no whole number of records of {record} bytes; fetch it again"
            )
        table = np.frombuffer(data, np.uint8).reshape(-1, record)
        labels = {level: table[:, position].tolist() for position, level in enumerate(levels)}
        pixels = table[:, len(levels) :]
    else:
        batch = _unpickle(path, member, data)
        loaded = batch["data"].array() if isinstance(batch.get("data"), _Array) else None
        labels = {level: batch[key] for key, level in LABELS.items() if key in batch}
        are_numbers = all(
            isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
            for values in labels.values()
        )
        lengths = {len(values) for values in labels.values()} if are_numbers else set()
        if loaded is None or loaded.shape[1:] != (PIXELS,) or lengths != {len(loaded)}:
            raise UserError(
                f"{path}: {member} is no batch of CIFAR: a dictionary of 'data', N x {PIXELS} "
                "bytes, and N labels"
            )
        pixels = loaded
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


# --- pickles that can run nothing
class _Array:
    """Stands for a numpy array: keeps the state that the file gives it."""

    def __init__(self, *_: object) -> None:
        self.state: tuple = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def array(self) -> np.ndarray | None:
        """Return the array if it is of uint8 and whole, else None."""
        if len(self.state) != 5:
            return None
        _, shape, kind, fortran, data = self.state
        if not isinstance(kind, _Type) or kind.name not in ("u1", b"u1") or fortran:
            return None
        if not isinstance(shape, tuple) or not isinstance(data, bytes):
            return None
        if not all(type(side) is int and side > 0 for side in shape):
            return None
        if len(data) != np.prod(shape, dtype=object):
            return None
        return np.frombuffer(data, np.uint8).reshape(shape)


class _Type:
    """Stands for a numpy dtype."""

    def __init__(self, name: object = None, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: tuple) -> None:
        pass


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Encode text: Python 3 writes bytes as this call into a pickle for Python 2."""
    return text.encode("latin1")


ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no file of CIFAR does")
        return ALLOWED[module, name]


def _unpickle(path: Path, member: str, data: bytes) -> dict:
    try:
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        return {_text(key): value for key, value in loaded.items()}
    except Exception as error:  # a pickle that is not one fails in as many ways as there are
        raise UserError(
            f"{path}: {member} cannot be read as a batch of CIFAR ({type(error).__name__}: "
            f"{error}); fetch it again"
        ) from error


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value

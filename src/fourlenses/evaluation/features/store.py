"""Features on disk: taken once for an encoder and some images, read by memory map, and never met by another encoder or other images.

A file's name ends in a hash of everything that has a say in its content: the encoder's weights, the beton, which of its images, the
size they are seen at, their normalisation, the precision, the batch size and the kind of device. A record beside it holds the file's own
hash, so that a damaged file is made again instead of believed.
"""

import contextlib
import hashlib
import io
import json
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic, read_json, sha256, write_json
from fourlenses.core.progress import progress_bar
from fourlenses.core.units import format_bytes
from fourlenses.data.beton.selection import Selection
from fourlenses.data.loading.resident import image_blocks
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import QUIET_BATCHES, feature_batches

log = logging.getLogger(__name__)
BATCH_SIZE = 500
BLOCK = 4 * BATCH_SIZE  # images decoded at a time
PRECISIONS = {"float32": np.float32, "float16": np.float16}
_HALF_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Images:
    """Some images of a beton: name says which, for people; fingerprint is the beton's content hash."""

    name: str
    selection: Selection
    fingerprint: str


class FeatureStore:
    """Features below one directory. Use as a context: unless ``keep``, its files are deleted at the end."""

    def __init__(
        self,
        directory: Path,
        precision: str,
        image_size: int,
        device: str | torch.device,
        workers: int,
        keep: bool,
    ) -> None:
        if precision not in PRECISIONS:
            raise UserError(
                f"'feature_precision' is one of {', '.join(PRECISIONS)}, not {precision!r}"
            )
        self.directory, self.precision, self.image_size = Path(directory), precision, image_size
        self.device, self.workers, self.keep = torch.device(device), workers, keep
        self._networks: dict[str, torch.nn.Module] = {}
        self._used: list[Path] = []

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        # after a failure they stay, for the next attempt
        if not self.keep and kind is None:
            for file in self._used:
                file.unlink(missing_ok=True)
                file.with_suffix(".json").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others may have files there
                self.directory.rmdir()

    def features(self, encoders: list[Encoder], images: Images) -> np.ndarray:
        """(N, D) of the store's precision, read-only, by memory map; of several encoders side by side, (N, D1 + D2 + …).

        Raises:
            UserError: no room on the disk; or a feature is not finite, or too large for half precision.
        """
        count = len(images.selection.rows)
        parts = [
            self._stored(
                self._key(encoder, images), images.name, count, self._taken(encoder, images)
            )
            for encoder in encoders
        ]
        if len(parts) == 1:
            return parts[0]
        key = {"fused": [self._key(encoder, images) for encoder in encoders]}
        return self._stored(key, f"{images.name}-fused", count, _side_by_side(parts))

    def _key(self, encoder: Encoder, images: Images) -> dict:
        return {
            "encoder": encoder.weights_sha256,
            "normalisation": encoder.normalisation(),
            "beton": images.fingerprint,
            "rows": hashlib.sha256(images.selection.rows.astype("<i8").tobytes()).hexdigest(),
            "image_size": self.image_size,
            "precision": self.precision,
            "batch_size": BATCH_SIZE,
            "device": self.device.type,
        }

    def _taken(self, encoder: Encoder, images: Images) -> Iterator[np.ndarray]:
        """The features batch by batch; nothing happens before the first is asked for."""
        if encoder.weights_sha256 not in self._networks:
            self._networks = {encoder.weights_sha256: encoder.pretrained()[0]}
        count = len(images.selection.rows)
        blocks = image_blocks(images.selection, self.image_size, self.workers, BLOCK)
        batches = (batch for block in blocks for batch in block.split(BATCH_SIZE))
        with progress_bar(
            f"features of {images.name}", "image", count, shown=count > QUIET_BATCHES * BATCH_SIZE
        ) as bar:
            for part in feature_batches(
                self._networks[encoder.weights_sha256],
                batches,
                self.device,
                **encoder.normalisation(),
            ):
                yield part.numpy()
                bar.update(len(part))

    def _stored(self, key: dict, name: str, count: int, parts: Iterable[np.ndarray]) -> np.ndarray:
        """The file of this key, made of ``parts`` (n, D), ``count`` rows in all, where it is not there yet."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        file = self.directory / f"{name}-{digest}.npy"
        self._used.append(file)
        if not _intact(file):
            _write(file, count, parts, PRECISIONS[self.precision])
        return np.load(file, mmap_mode="r", allow_pickle=False)


def _side_by_side(arrays: list[np.ndarray]) -> Iterator[np.ndarray]:
    for start in range(0, len(arrays[0]), BLOCK):
        yield np.concatenate([array[start : start + BLOCK] for array in arrays], 1)


def _intact(file: Path) -> bool:
    record = file.with_suffix(".json")
    if not file.exists() or not record.exists():
        return False
    if sha256(file) == read_json(record)["sha256"]:
        return True
    log.warning(
        "%s is damaged (its hash is not the recorded one); the features are taken again", file
    )
    return False


def _write(file: Path, count: int, parts: Iterable[np.ndarray], precision: type) -> None:
    """A .npy file of ``count`` rows, written front to back, and its record."""
    digest = hashlib.sha256()
    with atomic(file) as temporary, open(temporary, "wb") as opened:
        for number, part in enumerate(parts):
            if number == 0:
                header = io.BytesIO()
                shape = (count, part.shape[1])
                np.lib.format.write_array_header_1_0(
                    header,
                    {"descr": np.dtype(precision).str, "fortran_order": False, "shape": shape},
                )
                _refuse_if_short(file, count * part.shape[1] * np.dtype(precision).itemsize)
                digest.update(header.getbuffer())
                opened.write(header.getbuffer())
            rows = np.ascontiguousarray(_checked(file, part, precision), precision)
            digest.update(rows.data)
            opened.write(rows.data)
    write_json(file.with_suffix(".json"), {"sha256": digest.hexdigest()})


def _checked(file: Path, part: np.ndarray, precision: type) -> np.ndarray:
    if not np.isfinite(part).all():
        raise UserError(
            f"features for {file.name} hold NaN or infinite values: the encoder is damaged or its training diverged; see its run.json"
        )
    if precision is np.float16 and len(part) and np.abs(part).max() > _HALF_MAX:
        raise UserError(
            f"features for {file.name} reach {np.abs(part).max():g}, above what half precision holds; "
            "set evaluation.feature_precision: float32"
        )
    return part


def _refuse_if_short(file: Path, needed: int) -> None:
    free = shutil.disk_usage(file.parent).free
    if free < needed:
        raise UserError(
            f"{file.parent} has {format_bytes(free)} free, but the features {file.name} take {format_bytes(needed)}; "
            "make room, or set evaluation.feature_precision: float16"
        )

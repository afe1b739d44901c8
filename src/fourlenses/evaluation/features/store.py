"""Features on disk: extracted once for an encoder and some images, and read by memory map.

A file's name ends in a hash of everything that affects its content: the encoder's weights, the
beton, which of its images, their size, their normalisation, the precision, the batch size and the
kind of device. So another encoder or other images never read it. A record next to it holds the
file's own hash, so that a damaged file is extracted again instead of believed.
"""

import contextlib
import hashlib
import io
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic, read_json, sha256, write_json
from fourlenses.core.progress import progress_bar
from fourlenses.core.units import format_bytes
from fourlenses.data.beton.selection import Selection
from fourlenses.data.loading.resident import central, image_blocks
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import QUIET_BATCHES, feature_batches
from fourlenses.study.preprocessing import BILINEAR

log = logging.getLogger(__name__)
BATCH_SIZE = 500
BLOCK = 4 * BATCH_SIZE  # images decoded at a time
Precision = type[np.float32] | type[np.float16]
PRECISIONS: dict[str, Precision] = {"float32": np.float32, "float16": np.float16}
_HALF_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Images:
    """Some images of a beton.

    Attributes:
        name: for people.
        selection: which.
        fingerprint: the beton's content hash.
    """

    name: str
    selection: Selection
    fingerprint: str


class FeatureStore:
    """Features below one directory. Use as a context: unless ``keep``, its files are deleted."""

    def __init__(
        self,
        directory: Path,
        *,
        precision: str,
        device: str | torch.device,
        workers: int,
        keep: bool,
    ) -> None:
        """
        Args:
            directory: made where it is missing.
            precision: on disk, float32 or float16.
            device: where to compute.
            workers: threads that decode; the features do not depend on it.
            keep: leave the files there at the end.

        Raises:
            UserError: no such precision.
        """
        if precision not in PRECISIONS:
            raise UserError(
                f"'feature_precision' is one of {', '.join(PRECISIONS)}, not {precision!r}"
            )
        self.directory, self.precision = Path(directory), precision
        self.device, self.workers, self.keep = torch.device(device), workers, keep
        self._networks: dict[str, torch.nn.Module] = {}
        self._used: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        # after a failure they stay, for the next attempt
        if self.keep or kind is not None:
            return
        for file in self._used:
            file.unlink(missing_ok=True)
            file.with_suffix(".json").unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others may have files there
            self.directory.rmdir()

    def features(self, encoders: Sequence[tuple[Encoder, Images]]) -> np.ndarray:
        """Return features (N, D) of the store's precision, read-only, by memory map.

        Of several encoders they are concatenated: (N, D1 + D2 + …).

        Args:
            encoders: each with the images as it takes them: the same ones for all, in one order.

        Raises:
            UserError: no room on the disk; or a feature is not finite, or too large for half
                precision.
        """
        count = len(encoders[0][1].selection.rows)
        parts = [
            self._stored(
                self._key(encoder, images), images.name, self._batches(encoder, images), count=count
            )
            for encoder, images in encoders
        ]
        if len(parts) == 1:
            return parts[0]
        key: dict[str, object] = {
            "fused": [self._key(encoder, images) for encoder, images in encoders]
        }
        return self._stored(key, f"{encoders[0][1].name}-fused", _concatenated(parts), count=count)

    def _key(self, encoder: Encoder, images: Images) -> dict[str, object]:
        # left out where it is bilinear: features of earlier versions stay
        other = encoder.interpolation != BILINEAR
        return {
            **({"interpolation": encoder.interpolation} if other else {}),
            "encoder": encoder.weights_sha256,
            "normalisation": encoder.normalisation(),
            "beton": images.fingerprint,
            "rows": hashlib.sha256(images.selection.rows.astype("<i8").tobytes()).hexdigest(),
            "image_size": [encoder.image_size, encoder.resized],
            "precision": self.precision,
            "batch_size": BATCH_SIZE,
            "device": self.device.type,
        }

    def _batches(self, encoder: Encoder, images: Images) -> Iterator[np.ndarray]:
        """The features batch by batch; nothing happens before the first is asked for."""
        if encoder.weights_sha256 not in self._networks:
            self._networks = {encoder.weights_sha256: encoder.pretrained()[0]}
        network = self._networks[encoder.weights_sha256]
        count = len(images.selection.rows)
        blocks = image_blocks(
            images.selection,
            encoder.resized,
            workers=self.workers,
            block=BLOCK,
            interpolation=encoder.interpolation,
        )
        centres = (central(block, encoder.image_size) for block in blocks)
        batches = (batch for block in centres for batch in block.split(BATCH_SIZE))
        normalisation = encoder.normalisation()
        long = count > QUIET_BATCHES * BATCH_SIZE
        with progress_bar(f"features of {images.name}", "image", count, shown=long) as bar:
            for part in feature_batches(network, batches, device=self.device, **normalisation):
                yield part.numpy()
                bar.update(len(part))

    def _stored(
        self, key: dict[str, object], name: str, parts: Iterable[np.ndarray], *, count: int
    ) -> np.ndarray:
        """The file of this key; if missing, written from ``parts`` (n, D) of ``count`` rows."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        file = self.directory / f"{name}-{digest}.npy"
        self._used.append(file)
        if not _intact(file):
            _write(file, parts, count=count, precision=PRECISIONS[self.precision])
        return np.load(file, mmap_mode="r", allow_pickle=False)


def _concatenated(arrays: list[np.ndarray]) -> Iterator[np.ndarray]:
    for start in range(0, len(arrays[0]), BLOCK):
        yield np.concatenate([array[start : start + BLOCK] for array in arrays], 1)


def _intact(file: Path) -> bool:
    record = file.with_suffix(".json")
    if not file.exists() or not record.exists():
        return False
    if sha256(file) == read_json(record)["sha256"]:
        return True
    log.warning(
        "%s is damaged (its hash is not the recorded one); the features are extracted again", file
    )
    return False


def _write(file: Path, parts: Iterable[np.ndarray], *, count: int, precision: Precision) -> None:
    """A .npy file of ``count`` rows, written front to back, and its record."""
    digest = hashlib.sha256()
    with atomic(file) as temporary, open(temporary, "wb") as opened:
        for number, part in enumerate(parts):
            if number == 0:
                shape = (count, part.shape[1])
                _refuse_if_short(file, count * part.shape[1] * np.dtype(precision).itemsize)
                header = _header(shape, precision)
                digest.update(header)
                opened.write(header)
            rows = np.ascontiguousarray(_checked(file, part, precision), precision)
            digest.update(rows.data)
            opened.write(rows.data)
    write_json(file.with_suffix(".json"), {"sha256": digest.hexdigest()})


def _header(shape: tuple[int, int], precision: Precision) -> bytes:
    header = io.BytesIO()
    content = {"descr": np.dtype(precision).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, content)
    return header.getvalue()


def _checked(file: Path, part: np.ndarray, precision: Precision) -> np.ndarray:
    if not np.isfinite(part).all():
        raise UserError(
            f"features for {file.name} hold NaN or infinite values: the encoder is damaged or its "
            "training diverged; see its run.json"
        )
    if precision is np.float16 and len(part) and np.abs(part).max() > _HALF_MAX:
        raise UserError(
            f"features for {file.name} reach {np.abs(part).max():g}, above what half precision "
            "holds; set evaluation.feature_precision: float32"
        )
    return part


def _refuse_if_short(file: Path, needed: int) -> None:
    free = shutil.disk_usage(file.parent).free
    if free < needed:
        raise UserError(
            f"{file.parent} has {format_bytes(free)} free, but the features {file.name} take "
            f"{format_bytes(needed)}; make room, or set evaluation.feature_precision: float16"
        )

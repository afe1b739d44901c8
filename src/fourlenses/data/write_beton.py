"""Turning a dataset into a beton: decode every image once, list what cannot be decoded, write the rest, then say what was written."""

import collections
import hashlib
import io
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from fourlenses.data import corruptions, decode
from fourlenses.data.beton import PAGE_SIZE, RAW, Beton, BetonWriter
from fourlenses.data.manifest import Manifest, hierarchy_of, labels_of
from fourlenses.data.sources import source_of
from fourlenses.errors import UserError, printable
from fourlenses.files import atomic, write_json
from fourlenses.randomness import string_ids

log = logging.getLogger(__name__)
# Resized or corrupted images up to this side are stored as pixels (48 KB each, no loss); larger ones as JPEG.
RAW_UP_TO = 128
QUALITY = 95


@dataclass(frozen=True)
class Encoded:
    """What goes into the beton for one image: pixels or JPEG bytes, or the reason why there is nothing."""

    image: np.ndarray | bytes | None
    width: int = 0
    height: int = 0
    passed_through: bool = False
    reason: str = ""


def encode(data: bytes | np.ndarray | decode.Undecodable, size: int, corruption: str | None, image_id: int) -> Encoded:
    """Decode (which proves that it can be), shrink to ``size`` px of shortest side, corrupt, encode. JPEGs that fit are kept as they are.

    A corruption is stored as pixels whatever the size: compressing it again would change it.
    """
    if isinstance(data, decode.Undecodable):
        return Encoded(None, reason=str(data))
    try:
        picture = Image.fromarray(data) if isinstance(data, np.ndarray) else decode.decode(data)
    except decode.Undecodable as error:
        return Encoded(None, reason=str(error))
    if max(picture.size) > 65535:
        return Encoded(None, reason=f"{picture.size[0]}x{picture.size[1]} px, a side longer than the format's 65535")
    if corruption is None and isinstance(data, bytes) and len(data) <= PAGE_SIZE and decode.fits_as_stored(data, size):
        return Encoded(data, *picture.size, passed_through=True)
    picture = decode.shrink(picture, size)
    if corruption is not None:
        image = corruptions.corrupt(corruption, np.asarray(picture), image_id)
    elif max(picture.size) <= RAW_UP_TO:
        image = np.asarray(picture)
    else:
        image = _jpeg(picture)
    stored = len(image) if isinstance(image, bytes) else image.nbytes
    if stored > PAGE_SIZE:
        return Encoded(None, reason=f"{picture.size[0]}x{picture.size[1]} px take {stored} bytes, more than a page of {PAGE_SIZE}")
    return Encoded(image, *picture.size)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def write_beton(
    name: str,
    definition: dict,
    raw_data: Path,
    manifest: Manifest,
    variant: str,
    size: int,
    max_undecodable: float,
    output: Path,
    workers: int,
) -> None:
    """Write ``output`` (a ``.beton``) and, last, its sidecar ``.json``; both appear whole or not at all.

    The bytes do not depend on ``workers``.

    Raises:
        UserError: more than the share ``max_undecodable`` of the images cannot be decoded, or the disk is too small for the estimate.
    """
    names, paths, split_of = (list(manifest[column]) for column in ("id", "path", "split"))
    labels, ids = labels_of(manifest), string_ids(names)
    _check_disk(output, len(names), size)
    corruption = None if variant == "clean" else variant
    quarantined, splits, passed = [], collections.Counter(), 0
    with atomic(output) as temporary:
        writer = BetonWriter(temporary, len(names))
        images = source_of(definition).images(name, definition, raw_data, manifest, size)
        encoded = _in_order(images, lambda row, data: encode(data, size, corruption, int(ids[row])), workers)
        for row, result in tqdm(
            encoded, total=len(names), desc=f"{name}/{variant}", unit="image", mininterval=_interval(), file=sys.stderr
        ):
            if result.image is None:
                quarantined.append({"id": names[row], "path": paths[row], "reason": result.reason})
                continue
            writer.add(result.image, result.width, result.height, int(labels[row]), row)
            splits[split_of[row]] += 1
            passed += result.passed_through
        writer.close()
        _judge(name, quarantined, len(names), max_undecodable, output.with_suffix(".undecodable.json"))
        _verify(temporary, sum(splits.values()))
        fingerprint = _sha256(temporary)
    hierarchy = hierarchy_of(manifest)
    sidecar = {
        "dataset": name,
        "variant": variant,
        "stored_size": size,
        "images": {"train": splits["train"], "test": splits["test"]},
        "classes": hierarchy.num_classes,
        "levels": dict(zip(hierarchy.names, map(len, hierarchy.classes), strict=True)),
        "passed_through": passed,
        "quarantined": quarantined,
        "bytes": output.stat().st_size,
        "sha256": fingerprint,
    }
    write_json(output.with_suffix(".json"), sidecar)
    log.info(
        "%s: %d train and %d test images, %d JPEGs passed through, %d quarantined",
        output,
        splits["train"],
        splits["test"],
        passed,
        len(quarantined),
    )


def _in_order(images: Iterator, work, workers: int) -> Iterator[tuple[int, Encoded]]:
    """``(row, work(row, image))`` in row order, at most a few images ahead: memory stays constant. Pillow works outside the GIL."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        ahead = collections.deque()
        for row, data in enumerate(images):
            ahead.append((row, pool.submit(work, row, data)))
            if len(ahead) > 8 * max(1, workers):
                first, future = ahead.popleft()
                yield first, future.result()
        for row, future in ahead:
            yield row, future.result()


def _judge(name: str, quarantined: list[dict], images: int, allowed: float, listing: Path) -> None:
    for entry in quarantined[:20]:
        log.warning("undecodable: %s: %s", printable(entry["path"] or entry["id"]), printable(entry["reason"]))
    listing.unlink(missing_ok=True)
    if len(quarantined) > allowed * images:
        write_json(listing, quarantined)
        first = f"{printable(quarantined[0]['path'] or quarantined[0]['id'])} ({printable(quarantined[0]['reason'])})"
        raise UserError(
            f"dataset '{name}': {len(quarantined)} of {images} images cannot be decoded, more than 'max_undecodable' ({allowed:g}) allows, "
            f"e.g. {first}; all are listed in {listing}; repair the data or raise the key"
        )
    if len(quarantined) > 20:
        log.warning("… and %d more; the sidecar lists all", len(quarantined) - 20)


def _verify(path: Path, samples: int) -> None:
    """Read back what a full disk would have damaged: the structure, every sample's size, and that JPEGs start as such."""
    beton = Beton(path)
    assert len(beton) == samples, f"{path}: wrote {samples} samples, read {len(beton)}"
    for sample in range(len(beton)):
        stored = beton.image(sample)
        expected = stored.width * stored.height * 3
        assert stored.data.size == expected if stored.mode == RAW else stored.data[:2].tobytes() == b"\xff\xd8", (
            f"{path}: sample {sample} is damaged"
        )


def _check_disk(output: Path, images: int, size: int) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    needed = images * (size * size * 3 if size <= RAW_UP_TO else size * size // 2) + (16 << 20)
    free = shutil.disk_usage(output.parent).free
    if free < needed:
        raise UserError(
            f"{output.parent} has {free >> 20} MiB free, but about {needed >> 20} MiB are needed for {output.name}; "
            "make room or lower 'stored_size'"
        )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _interval() -> float:
    """Seconds between two refreshes of a progress bar: a log file needs fewer than a terminal."""
    return 0.2 if os.isatty(2) else 10

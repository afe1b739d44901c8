"""Turning a dataset into a beton: decode every image once, list what cannot be decoded, write the rest, then say what was written."""

import collections
import contextlib
import logging
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError, printable
from fourlenses.core.files import NO_ROOM, atomic, write_json
from fourlenses.core.ordered_map import ordered_map
from fourlenses.core.progress import progress_bar
from fourlenses.core.randomness import string_ids
from fourlenses.data.beton.writer import BetonWriter, lock
from fourlenses.data.conversion.disk_space import DiskSpace
from fourlenses.data.conversion.encode import encode
from fourlenses.data.manifest.manifest import Manifest, column, hierarchy_of, labels_of, rows_of
from fourlenses.data.sources import source_of

log = logging.getLogger(__name__)


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

    The bytes do not depend on ``workers``. Memory holds some 100 bytes an image (names, labels, places) and a few images a worker.

    Raises:
        UserError: more than the share ``max_undecodable`` of the images cannot be decoded, or the disk is too small.
    """
    ids, paths = column(manifest, "id"), column(manifest, "path")
    labels, numbers, is_train = labels_of(manifest), string_ids(ids), np.zeros(len(ids), bool)
    is_train[rows_of(manifest, "train")] = True
    corruption = None if variant == "clean" else variant
    quarantined, splits, passed = [], collections.Counter(), 0
    space = DiskSpace(output, len(ids))
    _remove_leftovers(output)
    with atomic(output) as temporary:
        writer = BetonWriter(temporary, len(ids))
        images = source_of(definition).images(name, definition, raw_data, manifest, size)
        encoded = ordered_map(
            lambda item: encode(item[1], size, corruption, int(numbers[item[0]])),
            enumerate(images),
            workers=workers,
        )
        progress = progress_bar(f"{name}/{variant}", "image", len(ids), items=encoded)
        try:
            with contextlib.closing(encoded):  # on an error the threads are stopped at once
                for row, result in enumerate(progress):
                    if result.image is None:
                        quarantined.append(
                            {"id": ids[row], "path": paths[row], "reason": result.reason}
                        )
                        continue
                    writer.add(result.image, result.width, result.height, int(labels[row]), row)
                    space.grown(row + 1, writer.length)
                    splits["train" if is_train[row] else "test"] += 1
                    passed += result.passed_through
            _judge(
                name,
                quarantined,
                len(ids),
                max_undecodable,
                output.with_suffix(".undecodable.json"),
            )
            checksum = writer.close()
            # a sidecar says that the beton beside it is whole: an old one must not stand beside the new one
            output.with_suffix(".json").unlink(missing_ok=True)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise space.ran_out(error, len(writer)) from error
            raise
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
        "content_sha256": checksum,
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


def _judge(name: str, quarantined: list[dict], images: int, allowed: float, listing: Path) -> None:
    for entry in quarantined[:20]:
        log.warning(
            "undecodable: %s: %s",
            printable(entry["path"] or entry["id"]),
            printable(entry["reason"]),
        )
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


def _remove_leftovers(output: Path) -> None:
    """What killed writers of the same file left: as large as a beton, and no use to anyone. What a live one holds is locked."""
    for leftover in output.parent.glob(f".{output.name}.*.part"):
        with open(leftover, "rb") as file:
            dead = lock(file.fileno())
        if dead:
            log.warning("removing %s, which an interrupted run left behind", leftover)
            leftover.unlink(missing_ok=True)

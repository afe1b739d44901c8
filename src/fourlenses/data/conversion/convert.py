"""Conversion of a dataset to a beton: decode every image once, write it, then the sidecar.

Images that cannot be decoded are left out and listed.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError, printable
from fourlenses.core.file_locks import try_lock
from fourlenses.core.files import NO_ROOM, atomic, write_json
from fourlenses.core.ordered_map import ordered_map
from fourlenses.core.progress import progress_bar
from fourlenses.core.randomness import string_ids
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.conversion.disk_space import DiskSpace
from fourlenses.data.conversion.encode import Encoded, encode
from fourlenses.data.dataset import images_of_dataset
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import Manifest, column, hierarchy_of, labels_of, rows_of

log = logging.getLogger(__name__)
_LISTED = 20  # undecodable images that the log names


@dataclass
class _Tally:
    """Counts of a conversion. passed_through: JPEGs stored as they were."""

    undecodable: list[dict[str, str]] = field(default_factory=list)
    images: Counter[str] = field(default_factory=Counter)
    passed_through: int = 0


def write_beton(
    name: str,
    definition: dict,
    raw_data: Path,
    *,
    manifest: Manifest,
    variant: str,
    size: int,
    max_undecodable: float,
    output: Path,
    workers: int,
) -> None:
    """Write a beton and, last, its sidecar ``.json``; both appear whole or not at all.

    Memory holds some 100 bytes an image (names, labels, positions) and a few images a worker.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.
        manifest: Of the dataset.
        variant: ``clean``, or the name of a corruption.
        size: Shortest side of the stored images at most, px.
        max_undecodable: Share of the images that may be undecodable.
        output: The ``.beton`` file.
        workers: Threads; the bytes do not depend on it.

    Raises:
        UserError: More images cannot be decoded than allowed, or the disk is too small.
    """
    ids = column(manifest, "id")
    space = DiskSpace(output, len(ids))
    _remove_leftovers(output)
    with atomic(output) as temporary:
        writer = BetonWriter(temporary, len(ids))
        images = images_of_dataset(name, definition, raw_data, manifest=manifest, size=size)
        encoded = _encode_all(images, ids, variant=variant, size=size, workers=workers)
        bar = progress_bar(f"{name}/{variant}", "image", len(ids), items=encoded)
        try:
            with contextlib.closing(encoded):  # on an error the threads are stopped at once
                tally = _write_samples(bar, writer, manifest, space=space)
            _check_undecodable(
                tally.undecodable, output, images=len(ids), allowed=max_undecodable, name=name
            )
            checksum = writer.close()
            # a sidecar says that its beton is whole: an old one must not lie next to the new beton
            output.with_suffix(".json").unlink(missing_ok=True)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise space.ran_out(error, len(writer)) from error
            raise
    facts = {"dataset": name, "variant": variant, "stored_size": size, "content_sha256": checksum}
    _write_sidecar(output, manifest, tally, facts=facts)


def _encode_all(
    images: Iterable[LazyImage], ids: Sequence[str], *, variant: str, size: int, workers: int
) -> Generator[Encoded, None, None]:
    """Yield the images as they are stored, in order; threads encode them."""
    corruption, numbers = None if variant == "clean" else variant, string_ids(ids)

    def encode_numbered(numbered: tuple[int, LazyImage]) -> Encoded:
        row, image = numbered
        return encode(image, size, corruption=corruption, image_id=int(numbers[row]))

    return ordered_map(encode_numbered, enumerate(images), workers=workers)


def _write_sidecar(output: Path, manifest: Manifest, tally: _Tally, *, facts: dict) -> None:
    """Write the sidecar of a beton, some facts and counts, and log the counts."""
    hierarchy = hierarchy_of(manifest)
    sidecar = {
        **facts,
        "images": {"train": tally.images["train"], "test": tally.images["test"]},
        "classes": hierarchy.num_classes,
        "levels": dict(zip(hierarchy.names, map(len, hierarchy.classes), strict=True)),
        "passed_through": tally.passed_through,
        "undecodable": tally.undecodable,
        "bytes": output.stat().st_size,
    }
    write_json(output.with_suffix(".json"), sidecar)
    log.info(
        "%s: %d train and %d test images, %d JPEGs passed through, %d undecodable",
        output,
        tally.images["train"],
        tally.images["test"],
        tally.passed_through,
        len(tally.undecodable),
    )


def _write_samples(
    encoded: Iterable[Encoded], writer: BetonWriter, manifest: Manifest, *, space: DiskSpace
) -> _Tally:
    """Write the samples, one per row of the manifest."""
    ids, paths, labels = column(manifest, "id"), column(manifest, "path"), labels_of(manifest)
    is_train = np.zeros(len(ids), bool)
    is_train[rows_of(manifest, "train")] = True
    tally = _Tally()
    for row, result in enumerate(encoded):
        if result.image is None:
            entry = {"id": ids[row], "path": paths[row], "reason": result.reason}
            tally.undecodable.append(entry)
            continue
        label = int(labels[row])
        writer.add(result.image, width=result.width, height=result.height, label=label, index=row)
        space.grown(row + 1, writer.length)
        tally.images["train" if is_train[row] else "test"] += 1
        tally.passed_through += result.passed_through
    return tally


def _check_undecodable(
    undecodable: list[dict[str, str]], output: Path, *, images: int, allowed: float, name: str
) -> None:
    """Log the undecodable images, and raise if they are more than the share ``allowed``.

    A list of them then stands next to the beton that would have been written.
    """
    listing = output.with_suffix(".undecodable.json")
    for entry in undecodable[:_LISTED]:
        log.warning("undecodable: %s", _reason(entry, ": {}"))
    listing.unlink(missing_ok=True)
    if len(undecodable) > allowed * images:
        write_json(listing, undecodable)
        raise UserError(
            f"dataset '{name}': {len(undecodable)} of {images} images cannot be decoded, more than "
            f"'max_undecodable' ({allowed:g}) allows, e.g. {_reason(undecodable[0], ' ({})')}; all "
            f"are listed in {listing}; repair the data or raise the key"
        )
    if len(undecodable) > _LISTED:
        log.warning("… and %d more; the sidecar lists all", len(undecodable) - _LISTED)


def _reason(entry: dict[str, str], form: str) -> str:
    return printable(entry["path"] or entry["id"]) + form.format(printable(entry["reason"]))


def _remove_leftovers(output: Path) -> None:
    """Remove what killed writers of the same file left: it is as large as a beton, and of no use.

    What a live writer holds is locked.
    """
    for leftover in output.parent.glob(f".{output.name}.*.part"):
        with open(leftover, "rb") as file:
            dead = try_lock(file.fileno())
        if dead:
            log.warning("removing %s, which an interrupted run left behind", leftover)
            leftover.unlink(missing_ok=True)

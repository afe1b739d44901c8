"""Copies of the targets' test images among the images that a study pretrains on.

A leak that the split of one dataset does not show: an encoder has seen what it is tested on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourlenses.check.duplicates import NEAR, SAME_FILE, SAME_PIXELS, find_duplicates
from fourlenses.check.survey import Survey, survey
from fourlenses.core.files import write_csv
from fourlenses.data.dataset import images_of_dataset
from fourlenses.data.manifest.manifest import Manifest, read_manifest, rows_of


@dataclass(frozen=True, kw_only=True)
class Target:
    """A dataset whose test images are compared.

    Attributes:
        name: Of the dataset.
        definition: Its config entry.
        manifest: Of the dataset.
    """

    name: str
    definition: dict
    manifest: Manifest

    @classmethod
    def read(cls, entry: dict) -> "Target":
        """Return a target from its `dataset`, `definition` and `manifest` (a path)."""
        return cls(
            name=entry["dataset"],
            definition=entry["definition"],
            manifest=read_manifest(Path(entry["manifest"])),
        )


@dataclass(frozen=True, kw_only=True)
class Copy:
    """An image that is a copy of a test image.

    Attributes:
        row: Of the dataset's manifest.
        target_row: Of the target's: the test image most like it.
        likeness: As in `duplicates.KINDS`.
        bits: How many of 128 differ.
    """

    row: int
    target_row: int
    likeness: str
    bits: int


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What a dataset shares with the test images of one target.

    Attributes:
        target: The target.
        test_images: How many were compared.
        copies: By the row of the dataset.
        copied: How many of the test images have a copy.
    """

    target: Target
    test_images: int
    copies: list[Copy]
    copied: int

    def as_json(self) -> dict:
        kinds = [copy.likeness for copy in self.copies]
        return {
            "test_images": self.test_images,
            "copied": self.copied,
            "images": len(self.copies),
            "kinds": {kind: kinds.count(kind) for kind in (SAME_FILE, SAME_PIXELS, NEAR)},
        }


def find_overlaps(
    surveyed: Survey,
    train: np.ndarray,
    targets: Iterable[Target],
    *,
    raw_data: Path,
    size: int,
    workers: int,
) -> list[Overlap]:
    """Compare the training images of a dataset with the test images of targets.

    Args:
        surveyed: Of the dataset's N rows.
        train: bool (N,), the training images.
        targets: Not the dataset itself, whose leaks `find_duplicates` finds.
        raw_data: Folder that relative paths start from.
        size: Shortest side of the stored images, px.
        workers: Processes; the result does not depend on it.
    """
    mine = np.flatnonzero(train & surveyed.decoded)
    overlaps = []
    for target in targets:
        wanted = np.zeros(len(target.manifest["id"]), bool)
        wanted[rows_of(target.manifest, "test")] = True
        images = images_of_dataset(
            target.name, target.definition, raw_data, manifest=target.manifest, size=size
        )
        name = f"test images of {target.name}"
        theirs = survey(images, wanted, pictured=(), name=name, workers=workers)
        rows = np.flatnonzero(theirs.decoded)
        groups = list(_shared_groups(surveyed, theirs, my_rows=mine, their_rows=rows))
        copies = [
            _closest(surveyed, theirs, row=row, rows=tested)
            for own, tested in groups
            for row in own
        ]
        overlaps.append(
            Overlap(
                target=target,
                test_images=len(rows),
                copies=sorted(copies, key=lambda copy: copy.row),
                copied=sum(len(tested) for _, tested in groups),
            )
        )
    return overlaps


def write_overlaps(path: Path, manifest: Manifest, overlaps: list[Overlap]) -> None:
    """Write a row per image that is a copy of a test image, for the key ``exclude``."""
    rows = (
        (
            manifest["id"][copy.row],
            overlap.target.name,
            overlap.target.manifest["id"][copy.target_row],
            copy.likeness,
            copy.bits,
        )
        for overlap in overlaps
        for copy in overlap.copies
    )
    write_csv(path, ("id", "target", "target_id", "likeness", "bits"), rows)


def _shared_groups(
    mine: Survey, theirs: Survey, *, my_rows: np.ndarray, their_rows: np.ndarray
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the rows of either side in each group of copies that has both."""
    both = Survey(rows=len(my_rows) + len(their_rows))
    for field in ("decoded", "content", "pixels", "bits", "grey"):
        parts = getattr(mine, field)[my_rows], getattr(theirs, field)[their_rows]
        setattr(both, field, np.concatenate(parts))
    count = len(my_rows)
    train = np.arange(both.rows) < count
    for group in find_duplicates(both, train, np.zeros(both.rows, np.int64)).groups:
        rows = np.array(group.rows)
        own, tested = my_rows[rows[rows < count]], their_rows[rows[rows >= count] - count]
        if len(own) and len(tested):
            yield own.tolist(), tested.tolist()


def _closest(mine: Survey, theirs: Survey, *, row: int, rows: list[int]) -> Copy:
    """Return an image as the copy of the test image of its group that is most like it."""
    bits = np.bitwise_count(theirs.bits[rows] ^ mine.bits[row]).sum(axis=1)
    for likeness, field in ((SAME_FILE, "content"), (SAME_PIXELS, "pixels")):
        same = (getattr(theirs, field)[rows] == getattr(mine, field)[row]).all(axis=1)
        if same.any():
            closest = rows[int(np.argmax(same))]
            return Copy(row=row, target_row=closest, likeness=likeness, bits=0)
    nearest = int(np.argmin(bits))
    return Copy(row=row, target_row=rows[nearest], likeness=NEAR, bits=int(bits[nearest]))

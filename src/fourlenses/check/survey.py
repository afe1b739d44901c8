"""Survey of a dataset: a pass over its images for the fingerprints of all and pictures of a few.

By several processes, in constant memory.
"""

import contextlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from fourlenses.check.fingerprint import GRID, SMALL, Fingerprint, fingerprint
from fourlenses.core.ordered_map import ordered_map
from fourlenses.core.progress import progress_bar
from fourlenses.data.images.content import LazyImage, Undecodable

Task = tuple[int, LazyImage, bool]  # row, content, whether to keep the picture


@dataclass(kw_only=True)
class Survey:
    """Fingerprints of the N rows of a manifest; rows not inspected, or undecodable, are zero.

    Attributes:
        decoded: bool (N,).
        width, height: int32 (N,), px.
        kind: int16 (N,), an index into ``kinds`` (format and mode).
        content, pixels, bits: uint64 (N, 2), see `Fingerprint`.
        grey: uint8 (N, 81).
        reasons: Per undecodable row, why.
        pictures: Thumbnails of the rows asked for.
    """

    rows: int
    kinds: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    pictures: dict[int, Image.Image] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.decoded = np.zeros(self.rows, bool)
        self.width, self.height = np.zeros(self.rows, np.int32), np.zeros(self.rows, np.int32)
        self.kind = np.zeros(self.rows, np.int16)
        self.content, self.pixels, self.bits = (
            np.zeros((self.rows, 2), np.uint64) for _ in range(3)
        )
        self.grey = np.zeros((self.rows, GRID * GRID), np.uint8)

    @property
    def inspected(self) -> int:
        return int(self.decoded.sum()) + len(self.reasons)

    def add(self, row: int, printed: Fingerprint | str) -> None:
        """Add a row's fingerprint, or the reason why there is none."""
        if isinstance(printed, str):
            self.reasons[row] = printed
            return
        self.decoded[row] = True
        self.width[row], self.height[row] = printed.width, printed.height
        if printed.kind not in self.kinds:
            self.kinds.append(printed.kind)
        self.kind[row] = self.kinds.index(printed.kind)
        self.content[row] = np.frombuffer(printed.content, np.uint64)
        self.pixels[row] = np.frombuffer(printed.pixels, np.uint64)
        self.bits[row] = np.frombuffer(printed.bits, np.uint64)
        self.grey[row] = np.frombuffer(printed.grey, np.uint8)
        if printed.picture is not None:
            self.pictures[row] = printed.picture


def survey(
    images: Iterable[LazyImage],
    wanted: np.ndarray,
    *,
    pictured: Container[int],
    name: str,
    workers: int,
) -> Survey:
    """Inspect images of a dataset.

    Args:
        images: What a source gives for N rows.
        wanted: bool (N,), the rows to inspect.
        pictured: Rows whose pictures are kept.
        name: Of the dataset.
        workers: Processes; the result does not depend on it.
    """
    result = Survey(rows=len(wanted))
    tasks = ((row, content, row in pictured) for row, content in _wanted(images, wanted))
    prints = ordered_map(_try, tasks, workers=workers, processes=True)
    bar = progress_bar(f"{name}: inspecting", "image", int(wanted.sum()), items=prints)
    with contextlib.closing(prints):
        for row, printed in bar:
            result.add(row, printed)
    return result


def pictures_of(
    images: Iterable[LazyImage], rows: Iterable[int], count: int
) -> dict[int, Image.Image]:
    """Return thumbnails of some of the ``count`` rows that a source gives images for."""
    wanted = np.zeros(count, bool)
    wanted[list(rows)] = True
    prints = map(_try, ((row, content, True) for row, content in _wanted(images, wanted)))
    return {
        row: printed.picture
        for row, printed in prints
        if isinstance(printed, Fingerprint) and printed.picture is not None
    }


def _wanted(images: Iterable[LazyImage], wanted: np.ndarray) -> Iterator[tuple[int, LazyImage]]:
    """Yield rows and contents of the wanted images; what comes after the last is not read."""
    if not wanted.any():
        return
    last = int(np.flatnonzero(wanted)[-1])
    for row, content in enumerate(images):
        if wanted[row]:
            yield row, content
        if row == last:
            return


def _try(task: Task) -> tuple[int, Fingerprint | str]:
    """Return the row, and the fingerprint or the reason why there is none."""
    row, content, keep = task
    try:
        printed = fingerprint(content, keep)
    except Undecodable as error:
        return row, str(error)
    if printed.picture is not None:
        printed.picture.thumbnail((4 * SMALL, SMALL), reducing_gap=2.0)
    return row, printed

"""Betons, FFCV's file format (version 2), read without FFCV and its worker processes.

Layout: header, field descriptors, one metadata record per sample, then pages of image bytes (a
sample never crosses a page), then the allocation table. Fields are ``image`` (RGBImageField),
``label`` and ``index`` (IntField). FFCV's own `Reader` and `Loader` open the files; tests compare
the layout with `ffcv.types`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.patience import PatientFile

VERSION = 2
PAGE_SIZE = 8 << 20  # bytes; FFCV's default
RAW, JPEG = 1, 0  # FFCV's IMAGE_MODES
FIELDS = (("image", 2), ("label", 1), ("index", 1))  # name, FFCV's type id

HEADER = np.dtype(
    [
        ("version", "<u2"),
        ("num_fields", "<u2"),
        ("page_size", "<u4"),
        ("num_samples", "<u8"),
        ("alloc_table_ptr", "<u8"),
    ],
    align=True,
)
DESCRIPTOR = np.dtype(
    [("type_id", "<u1"), ("name", ("<u1", 16)), ("arguments", ("<u1", (1024,)))], align=True
)
ALLOCATION = np.dtype([("sample_id", "<u8"), ("ptr", "<u8"), ("size", "<u8")])
IMAGE = np.dtype([("mode", "<u1"), ("width", "<u2"), ("height", "<u2"), ("data_ptr", "<u8")])
SAMPLE = np.dtype([("image", IMAGE), ("label", "<i8"), ("index", "<i8")], align=True)
METADATA_START = HEADER.itemsize + len(FIELDS) * DESCRIPTOR.itemsize


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One image as it lies in the file."""

    mode: int
    width: int
    height: int
    data: np.ndarray  # uint8


class Beton:
    """A beton, whose images are read one at a time; by several threads if need be.

    Attributes:
        label: int64 (samples,), the finest class.
        index: int64 (samples,), the row of the manifest.

    Raises:
        UserError: The file is no beton of this project, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        size = self.path.stat().st_size
        if size < METADATA_START:
            raise UserError(
                f"{path} is no beton: {size} bytes are fewer than its header takes; delete it and "
                "write it again"
            )
        header = np.fromfile(path, HEADER, count=1)[0]
        fields = np.fromfile(path, DESCRIPTOR, count=len(FIELDS), offset=HEADER.itemsize)
        names = tuple(
            (bytes(field["name"]).rstrip(b"\0").decode("ascii", "replace"), int(field["type_id"]))
            for field in fields
        )
        if header["version"] != VERSION or names != FIELDS:
            raise UserError(
                f"{path} is no finished beton of this project (version {header['version']}, fields "
                f"{names}); delete it and write it again"
            )
        count, self.table_start = int(header["num_samples"]), int(header["alloc_table_ptr"])
        announced = self.table_start + count * ALLOCATION.itemsize
        if size != announced:
            raise UserError(
                f"{path} is truncated or was not finished: {size} bytes, not the {announced} that "
                "its header announces; delete it and write it again"
            )
        samples = np.fromfile(path, SAMPLE, count=count, offset=METADATA_START)
        table = np.fromfile(path, ALLOCATION, offset=self.table_start)
        self.samples = samples
        self.label, self.index = samples["label"].copy(), samples["index"].copy()
        # what reading takes of each sample, of the file's own types (samples,)
        self.mode, self.width, self.height, self.start = (
            samples["image"][name] for name in ("mode", "width", "height", "data_ptr")
        )
        self.size = table["size"]
        pixels = self.width.astype(np.uint64) * self.height * 3
        misplaced = (self.start != table["ptr"]) | (self.start + self.size > self.table_start)
        damaged = np.flatnonzero(misplaced | ((self.mode == RAW) & (pixels != self.size)))
        if len(damaged):
            raise UserError(
                f"{path} is damaged: sample {damaged[0]} is not where or what it should be; "
                "delete it and write it again"
            )
        # no memory map: it would kill the process (SIGBUS) where the disk fails
        self._file = PatientFile(self.path)

    def __len__(self) -> int:
        return len(self.label)

    def image(self, sample: int) -> Stored:
        """Return one stored image."""
        start = int(self.start[sample])
        mode, width, height = (
            int(column[sample]) for column in (self.mode, self.width, self.height)
        )
        return Stored(
            mode=mode,
            width=width,
            height=height,
            data=np.frombuffer(self._file.pread(int(self.size[sample]), start), np.uint8),
        )

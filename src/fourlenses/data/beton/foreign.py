"""Betons that FFCV's own `DatasetWriter` wrote, read without FFCV.

Their fields have any name and order, their pages any size, their images are JPEGs, pixels or both.
What is read is checked against the file's size first: the file may be damaged, or made to harm.
https://docs.ffcv.io/writing_datasets.html
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError, printable
from fourlenses.core.patience import PatientFile
from fourlenses.data.beton.reader import ALLOCATION, DESCRIPTOR, HEADER, IMAGE, JPEG, RAW, VERSION
from fourlenses.data.images.content import Undecodable

MOST_FIELDS = 256
_POINTER = np.dtype("<u8")
_BYTES = np.dtype([("ptr", "<u8"), ("size", "<u8")])
# FFCV's type ids: their names, and what a sample's metadata holds of them
FLOAT, INT, PICTURE, CUSTOM = 0, 1, 2, 255
KINDS: Mapping[int, tuple[str, np.dtype]] = {
    FLOAT: ("FloatField", np.dtype("<f8")),
    INT: ("IntField", np.dtype("<i8")),
    PICTURE: ("RGBImageField", IMAGE),
    3: ("BytesField", _BYTES),
    4: ("NDArrayField", _POINTER),
    5: ("JSONField", _BYTES),
    6: ("TorchTensorField", _POINTER),
}


class ForeignBeton:
    """A beton of any fields.

    Attributes:
        fields: Name -> FFCV's type id, in the file's order.

    Raises:
        UserError: The file is no beton of version 2, is not finished, or has a field of a kind
            whose size is not known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PatientFile(path)
        self._size = path.stat().st_size
        header = self._read(HEADER, 1, 0)
        version, count = int(header["version"][0]), int(header["num_fields"][0])
        if version != VERSION or not 0 < count <= MOST_FIELDS:
            raise UserError(
                f"{path} is no beton that FFCV wrote: version {version} (known: {VERSION}) and "
                f"{count} fields"
            )
        descriptors = self._read(DESCRIPTOR, count, HEADER.itemsize)
        names = [
            bytes(name).rstrip(b"\0").decode("ascii", "replace") for name in descriptors["name"]
        ]
        self.fields = dict(zip(names, map(int, descriptors["type_id"]), strict=True))
        unknown = [name for name, kind in self.fields.items() if kind not in KINDS]
        if unknown or len(self.fields) != count:
            raise UserError(
                f"{path}: field '{printable((unknown or names)[0])}' is of a kind of your own, or "
                "there are two of one name; fields of FFCV's own kinds can be read: "
                f"{', '.join(name for name, _ in KINDS.values())}"
            )
        kinds = [(name, KINDS[kind][1]) for name, kind in self.fields.items()]
        samples = int(header["num_samples"][0])
        self._samples = self._read(
            np.dtype(kinds, align=True), samples, HEADER.itemsize + count * DESCRIPTOR.itemsize
        )
        self._find_sizes(int(header["alloc_table_ptr"][0]))

    def __len__(self) -> int:
        return len(self._samples)

    def column(self, field: str) -> np.ndarray:
        """Return what the samples' metadata hold of a field, (samples,)."""
        return self._samples[field]

    def picture(self, field: str, sample: int) -> bytes | np.ndarray | Undecodable:
        """Return an image: the bytes of its JPEG, or uint8 pixels (height, width, 3)."""
        mode, width, height, start = (int(value) for value in self._samples[field][sample])
        position = int(np.searchsorted(self._starts, start))
        if position == len(self._starts) or int(self._starts[position]) != start:
            return Undecodable("the beton has no such data; it is damaged")
        size = int(self._sizes[position])
        if start + size > self._size or mode not in (RAW, JPEG):
            return Undecodable("its data lie outside of the beton, or are of no known kind")
        if mode == RAW and size != 3 * width * height:
            return Undecodable(f"{size} bytes are not the pixels of {width}x{height}")
        data = self._file.pread(size, start)
        if mode == JPEG:
            return data
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def _find_sizes(self, table_start: int) -> None:
        """Read where data begin and how long they are: in the order of FFCV's workers."""
        count = max(0, self._size - table_start) // ALLOCATION.itemsize
        table = self._read(ALLOCATION, count, table_start) if table_start else None
        if table is None or (len(table) == 0 and len(self._samples)):
            raise UserError(
                f"{self.path} was not finished: it has no table of its images; write it again"
            )
        order = np.argsort(table["ptr"], kind="stable")
        self._starts, self._sizes = table["ptr"][order], table["size"][order]

    def _read(self, kind: np.dtype, count: int, start: int) -> np.ndarray:
        length = count * kind.itemsize
        if start + length > self._size:
            raise UserError(
                f"{self.path} is no whole beton: it has {self._size} bytes, its header announces "
                f"at least {start + length}; get it again"
            )
        return np.frombuffer(self._file.pread(length, start), kind)

"""FFCV's file format (version 2), written and read without FFCV: no compiler, no worker processes, equal bytes for equal images.

Layout: header, field descriptors, one metadata record per sample, then pages of image bytes (a sample never crosses a page), then the
allocation table. Fields are ``image`` (RGBImageField), ``label`` and ``index`` (IntField). FFCV's own `Reader` and `Loader` open the files;
tests hold the layout against `ffcv.types`. Why not FFCV's DatasetWriter: it hangs for ever on an image it cannot encode, leaves a file
of zeros when interrupted, and decodes and recompresses JPEGs that could be copied.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourlenses.errors import UserError

VERSION = 2
PAGE_SIZE = 8 << 20  # bytes; FFCV's default
RAW, JPEG = 1, 0  # FFCV's IMAGE_MODES
FIELDS = (("image", 2), ("label", 1), ("index", 1))  # name, FFCV's type id

HEADER = np.dtype(
    [("version", "<u2"), ("num_fields", "<u2"), ("page_size", "<u4"), ("num_samples", "<u8"), ("alloc_table_ptr", "<u8")], align=True
)
DESCRIPTOR = np.dtype([("type_id", "<u1"), ("name", ("<u1", 16)), ("arguments", ("<u1", (1024,)))], align=True)
ALLOCATION = np.dtype([("sample_id", "<u8"), ("ptr", "<u8"), ("size", "<u8")])
IMAGE = np.dtype([("mode", "<u1"), ("width", "<u2"), ("height", "<u2"), ("data_ptr", "<u8")])
SAMPLE = np.dtype([("image", IMAGE), ("label", "<i8"), ("index", "<i8")], align=True)
_METADATA_START = HEADER.itemsize + len(FIELDS) * DESCRIPTOR.itemsize


class BetonWriter:
    """Writes samples one after the other; nothing is valid before `close`, so write to a temporary name and rename.

    ``capacity`` is the most samples that may come; fewer leave unused room between the metadata and the first page.
    """

    def __init__(self, path: Path, capacity: int) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by close()
        self._samples = np.zeros(capacity, SAMPLE)
        self._sizes = np.zeros(capacity, np.uint64)
        self._count = 0
        start = _METADATA_START + self._samples.nbytes
        self._end = -(-start // PAGE_SIZE) * PAGE_SIZE

    def add(self, image: np.ndarray | bytes, width: int, height: int, label: int, index: int) -> None:
        """Append a sample: uint8 pixels (height, width, 3), or the bytes of a JPEG of that size."""
        mode = JPEG if isinstance(image, bytes) else RAW
        data = image if mode == JPEG else np.ascontiguousarray(image).tobytes()
        left = PAGE_SIZE - self._end % PAGE_SIZE
        if len(data) > PAGE_SIZE:
            raise UserError(
                f"an image of {width}x{height} px takes {len(data)} bytes, more than a page of {PAGE_SIZE}; lower 'stored_size'"
            )
        if len(data) > left:
            self._end += left
        self._file.seek(self._end)
        self._file.write(data)
        self._samples[self._count] = ((mode, width, height, self._end), label, index)
        self._sizes[self._count] = len(data)
        self._end += len(data)
        self._count += 1

    def close(self) -> None:
        samples, sizes = self._samples[: self._count], self._sizes[: self._count]
        table = np.zeros(self._count, ALLOCATION)
        table["sample_id"], table["ptr"], table["size"] = np.arange(self._count), samples["image"]["data_ptr"], sizes
        # a reader of whole pages must find the last one whole
        table_start = -(-self._end // PAGE_SIZE) * PAGE_SIZE
        self._file.seek(table_start)
        self._file.write(table.tobytes())
        header = np.zeros(1, HEADER)
        header["version"], header["num_fields"], header["page_size"] = VERSION, len(FIELDS), PAGE_SIZE
        header["num_samples"], header["alloc_table_ptr"] = self._count, table_start
        descriptors = np.zeros(len(FIELDS), DESCRIPTOR)
        for descriptor, (name, type_id) in zip(descriptors, FIELDS, strict=True):
            descriptor["type_id"] = type_id
            descriptor["name"][: len(name)] = np.frombuffer(name.encode("ascii"), np.uint8)
        self._file.seek(0)
        self._file.write(header.tobytes() + descriptors.tobytes() + samples.tobytes())
        self._file.close()


@dataclass(frozen=True)
class Stored:
    """One image as it lies in the file."""

    mode: int
    width: int
    height: int
    data: np.ndarray  # uint8, a view of the file


class Beton:
    """Reads a beton by memory map. ``label`` and ``index`` are int64 (samples,); `image` gives one stored image."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        size = self.path.stat().st_size
        if size < _METADATA_START:
            raise UserError(f"{path} is no beton: {size} bytes are fewer than its header takes; delete it and write it again")
        header = np.fromfile(path, HEADER, count=1)[0]
        fields = np.fromfile(path, DESCRIPTOR, count=len(FIELDS), offset=HEADER.itemsize)
        names = tuple((bytes(field["name"]).rstrip(b"\0").decode("ascii", "replace"), int(field["type_id"])) for field in fields)
        if header["version"] != VERSION or names != FIELDS:
            raise UserError(
                f"{path} is no finished beton of this project (version {header['version']}, fields {names}); delete it and write it again"
            )
        samples = np.fromfile(path, SAMPLE, count=int(header["num_samples"]), offset=_METADATA_START)
        table = np.fromfile(path, ALLOCATION, offset=int(header["alloc_table_ptr"]))
        if len(samples) != header["num_samples"] or len(table) != len(samples):
            raise UserError(
                f"{path} is truncated: {header['num_samples']} samples announced, {len(table)} found; delete it and write it again"
            )
        self.label, self.index = samples["label"].copy(), samples["index"].copy()
        self._image, self._sizes = samples["image"], table["size"]
        # what `read` needs of each sample, of the file's own types (samples,)
        self.mode, self.width, self.height = (samples["image"][name] for name in ("mode", "width", "height"))
        self.start, self.size = samples["image"]["data_ptr"], table["size"]
        self._data = np.memmap(path, np.uint8, mode="r")

    def __len__(self) -> int:
        return len(self.label)

    def image(self, sample: int) -> Stored:
        meta = self._image[sample]
        start = int(meta["data_ptr"])
        return Stored(int(meta["mode"]), int(meta["width"]), int(meta["height"]), self._data[start : start + int(self._sizes[sample])])

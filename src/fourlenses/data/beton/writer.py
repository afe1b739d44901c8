"""Writing a beton front to back, with its checksum, and a check of the file at the end.

By hand, not FFCV's DatasetWriter, which hangs for ever on an image that it cannot encode, leaves a
file of zeros when it is interrupted, and decodes and compresses JPEGs again that could be copied:
this writes betons 4 times as fast where images fit (docs/measured/benchmarks.md).
"""

import hashlib
import os
import zlib
from pathlib import Path

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.file_locks import try_lock
from fourlenses.core.files import sync
from fourlenses.data.beton.reader import (
    ALLOCATION,
    DESCRIPTOR,
    FIELDS,
    HEADER,
    JPEG,
    METADATA_START,
    PAGE_SIZE,
    RAW,
    SAMPLE,
    VERSION,
    Beton,
)

# Bytes hashed and written at a time: both release the GIL, and to get it back from busy threads
# costs more than a small image does.
_BUFFER = 1 << 20


class BetonWriter:
    """Writes samples one after the other.

    Nothing is valid before `close`, so write to a temporary name and rename. The file is locked
    while it is written, which distinguishes what a killed writer left from what a live one writes.

    Args:
        path: Of the file, which is overwritten.
        capacity: The most samples that may come, 48 bytes of memory each; with fewer, unused room
            stays between the metadata and the first page.
    """

    def __init__(self, path: Path, capacity: int) -> None:
        self.path = Path(path)
        self._file = open(path, "wb")  # noqa: SIM115 - closed by close() or with the process
        try_lock(self._file.fileno())
        self._samples = np.zeros(capacity, SAMPLE)
        self._sizes = np.zeros(capacity, np.uint64)
        self._count = 0
        start = METADATA_START + self._samples.nbytes
        self._start = self._end = -(-start // PAGE_SIZE) * PAGE_SIZE
        self._hash, self._buffer = hashlib.sha256(), bytearray()
        self._page = 0
        # (sample, CRC-32 of its bytes) for the first sample of every page
        self._checks: list[tuple[int, int]] = []
        self._file.seek(self._end)

    def __len__(self) -> int:
        return self._count

    @property
    def length(self) -> int:
        """Bytes of the file so far."""
        return self._end

    def add(
        self, image: np.ndarray | bytes, *, width: int, height: int, label: int, index: int
    ) -> None:
        """Append a sample.

        Args:
            image: uint8 pixels (height, width, 3), or the bytes of a JPEG of that size.
            width: Pixels.
            height: Pixels.
            label: The finest class.
            index: Row of the manifest.

        Raises:
            UserError: The image is larger than a page.
        """
        if isinstance(image, bytes):
            mode, data = JPEG, image
        else:
            mode, data = RAW, np.ascontiguousarray(image).tobytes()
        if len(data) > PAGE_SIZE:
            raise UserError(
                f"an image of {width}x{height} px takes {len(data)} bytes, more than a page of "
                f"{PAGE_SIZE}; lower 'stored_size'"
            )
        left = PAGE_SIZE - self._end % PAGE_SIZE
        if len(data) > left:
            self._write(bytes(left))
        if self._end // PAGE_SIZE != self._page:
            self._page = self._end // PAGE_SIZE
            self._checks.append((self._count, zlib.crc32(data)))
        self._samples[self._count] = ((mode, width, height, self._end), label, index)
        self._sizes[self._count] = len(data)
        self._count += 1
        self._write(data)

    def close(self) -> str:
        """Complete the file, sync it, read it back, and return its `content_sha256`.

        What the system reported as written and synced has reached the disk. All that is not pixels
        and one sample of every page are read again, which finds what it got wrong in silence (pages
        of zeros) at a hundredth of the cost of reading everything.
        """
        samples, sizes = self._samples[: self._count], self._sizes[: self._count]
        table = np.zeros(self._count, ALLOCATION)
        table["sample_id"], table["ptr"], table["size"] = (
            np.arange(self._count),
            samples["image"]["data_ptr"],
            sizes,
        )
        # a reader of whole pages must find the last one whole
        self._write(bytes(-self._end % PAGE_SIZE))
        header = np.zeros(1, HEADER)
        header["version"], header["num_fields"], header["page_size"] = (
            VERSION,
            len(FIELDS),
            PAGE_SIZE,
        )
        header["num_samples"], header["alloc_table_ptr"] = self._count, self._end
        self._write(table.tobytes())
        self._flush()
        descriptors = np.zeros(len(FIELDS), DESCRIPTOR)
        for descriptor, (name, type_id) in zip(descriptors, FIELDS, strict=True):
            descriptor["type_id"] = type_id
            descriptor["name"][: len(name)] = np.frombuffer(name.encode("ascii"), np.uint8)
        head = header.tobytes() + descriptors.tobytes() + samples.tobytes()
        self._hash.update(head.ljust(self._start, b"\0"))
        self._file.seek(0)
        self._file.write(head)
        # it is longer than what was written only where there are no samples
        self._file.truncate(self._end)
        sync(self._file.fileno())
        self._read_back(samples, sizes)
        self._file.close()
        return self._hash.hexdigest()

    def _write(self, data: bytes) -> None:
        self._buffer += data
        self._end += len(data)
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        self._file.write(self._buffer)
        self._hash.update(self._buffer)
        self._buffer = bytearray()

    def _read_back(self, samples: np.ndarray, sizes: np.ndarray) -> None:
        beton = Beton(self.path)
        same_metadata = np.array_equal(beton.samples, samples)
        assert same_metadata, f"{self.path}: the metadata read are not those written"
        same_table = np.array_equal(beton.size, sizes)
        assert same_table, f"{self.path}: the allocation table read is not the one written"
        with open(self.path, "rb", buffering=0) as file:
            for sample, expected in self._checks:
                start = int(samples["image"]["data_ptr"][sample])
                data = os.pread(file.fileno(), int(sizes[sample]), start)
                same = zlib.crc32(data) == expected
                assert same, f"{self.path}: sample {sample} is not what was written"


def content_sha256(path: Path) -> str:
    """Return the checksum that `BetonWriter.close` gives.

    SHA-256 of the pages and the table, then of all that lies before the first page: this is known
    last, and reading 200 GB again for the sake of the usual order would take minutes.
    """
    beton = Beton(path)
    start = int(beton.start.min()) if len(beton) else beton.table_start
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        head = file.read(start)
        while chunk := file.read(_BUFFER):
            digest.update(chunk)
    digest.update(head)
    return digest.hexdigest()

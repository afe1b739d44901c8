"""Tar archives as streams, plain or compressed: tars inside tars, an md5 checked on the way, all in constant memory.

A checksum that is taken while the images are read costs no second pass over an archive of hundreds of gigabytes.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tqdm import tqdm

from fourlenses.errors import UserError

# by the first bytes, not by the name: downloads are at times decompressed on the way and keep theirs
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_BLOCK = 512


class _Tap:
    """A file for reading forwards that counts, and where asked hashes and shows, what is read from it."""

    def __init__(self, file: BinaryIO, digest=None, bar: tqdm | None = None):
        self.file, self.digest, self.bar, self.bytes = file, digest, bar, 0

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.bytes += len(data)
        if self.digest is not None:
            self.digest.update(data)
        if self.bar is not None:
            self.bar.update(len(data))
        return data


def tar_members(
    path: Path, dataset: str, md5: str | None = None, nested: bool = False, progress: bool = False
) -> Iterator[tuple[str, bytes]]:
    """``(name, content)`` of the regular files in an archive, in its own order.

    md5: what the whole file must have, known once it has been read. nested: members named .tar are opened in their place and their
    members come as ``outer.tar/inner``. progress: a bar of the bytes read.

    Raises:
        UserError: another md5. tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError: damaged or truncated.
    """
    shown = {"unit": "B", "unit_scale": True, "file": sys.stderr, "mininterval": 0.2 if os.isatty(2) else 10, "disable": not progress}
    with open(path, "rb") as file, tqdm(total=path.stat().st_size, desc=path.name, **shown) as bar:
        first = file.read(6)
        file.seek(0)
        tap = _Tap(file, None if md5 is None else hashlib.md5(usedforsecurity=False), bar)
        opener = next((opener for magic, opener in _OPENERS.items() if first.startswith(magic)), None)
        yield from _members(opener(tap) if opener else tap, nested, marked=opener is None)
        if md5 is not None:
            while tap.read(1 << 20):
                pass
            if tap.digest.hexdigest() != md5:
                raise UserError(
                    f"config key 'datasets.{dataset}.path': {path} has md5 {tap.digest.hexdigest()}, expected {md5}: it is damaged or "
                    f"not the published file; fetch it again, or set 'datasets.{dataset}.verify' to false to use it as it is"
                )


def _members(file: BinaryIO, nested: bool, marked: bool) -> Iterator[tuple[str, bytes]]:
    tap = _Tap(file)
    with tarfile.open(fileobj=tap, mode="r|", bufsize=1 << 16) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # tarfile keeps every member it has seen: about 1 KB each, gigabytes for millions
            if not member.isreg():
                continue
            name, content = PurePosixPath(member.name).as_posix().removeprefix("./"), archive.extractfile(member)
            if nested and name.endswith(".tar"):
                yield from _inner(name, content)
            else:
                yield name, content.read()
        # a compressed archive that breaks off says so; of a plain one, tarfile takes a cut between two members for its end
        if marked and tap.bytes < archive.offset + _BLOCK:
            raise EOFError("no end-of-archive mark")


def _inner(name: str, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    try:
        for inner, content in _members(file, nested=False, marked=True):
            yield f"{name}/{inner}", content
    except (tarfile.TarError, EOFError) as error:
        raise tarfile.ReadError(f"in {name}: {error}") from error

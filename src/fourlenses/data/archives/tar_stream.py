"""Tar archives as streams, plain or compressed: tars inside tars, an md5 checked on the way, all in constant memory.

A checksum that is taken while the images are read costs no second pass over an archive of hundreds of gigabytes.
"""

import bz2
import gzip
import hashlib
import lzma
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fourlenses.core.errors import UserError
from fourlenses.core.progress import progress_bar
from fourlenses.data.archives.member_names import normal, target_of

# by the first bytes, not by the name: downloads are at times decompressed on the way and keep theirs
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_BLOCK = 512
Member = tuple[str, bytes | None, str | None]


class _Tap:
    """A file for reading forwards that counts, and where asked hashes and shows, what is read from it."""

    def __init__(self, file: BinaryIO, digest=None, bar=None):
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
) -> Iterator[Member]:
    """``(name, content, None)`` of a file, ``(name, None, None)`` of a folder, ``(name, None, target)`` of a link, in the archive's order.

    md5: what the whole file must have, known once it has been read. nested: members named .tar are opened in their place and their
    members come as ``outer.tar/inner``. progress: a bar of the bytes read.

    Raises:
        UserError: another md5. OutsideError: a name leads out. tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError: damaged
        or truncated.
    """
    with (
        open(path, "rb") as file,
        progress_bar(path.name, "B", path.stat().st_size, shown=progress) as bar,
    ):
        first = file.read(6)
        file.seek(0)
        tap = _Tap(file, None if md5 is None else hashlib.md5(usedforsecurity=False), bar)
        opener = next(
            (opener for magic, opener in _OPENERS.items() if first.startswith(magic)), None
        )
        yield from _members(opener(tap) if opener else tap, nested, marked=opener is None)
        if md5 is not None:
            while tap.read(1 << 20):
                pass
            if tap.digest.hexdigest() != md5:
                raise UserError(
                    f"config key 'datasets.{dataset}.path': {path} has md5 {tap.digest.hexdigest()}, expected {md5}: it is damaged or "
                    f"not the published file; fetch it again, or set 'datasets.{dataset}.verify' to false to use it as it is"
                )


def _members(file: BinaryIO, nested: bool, marked: bool) -> Iterator[Member]:
    tap = _Tap(file)
    with tarfile.open(
        fileobj=tap, mode="r|", bufsize=1 << 16, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # tarfile keeps every member it has seen: about 1 KB each, gigabytes for millions
            if member.isreg():
                name, content = normal(member.name), archive.extractfile(member)
                if nested and name.endswith(".tar"):
                    yield from _inner(name, content)
                else:
                    yield name, content.read(), None
            elif member.isdir():
                yield normal(member.name), None, None
            elif member.islnk():  # hard: a second name of an earlier member
                yield normal(member.name), None, posixpath.normpath(member.linkname.lstrip("/"))
            elif member.issym():
                yield normal(member.name), None, target_of(member.name, member.linkname)
        # a compressed archive that breaks off says so; of a plain one, tarfile takes a cut between two members for its end
        if marked and tap.bytes < archive.offset + _BLOCK:
            raise EOFError("no end-of-archive mark")


def _inner(outer: str, file: BinaryIO) -> Iterator[Member]:
    try:
        for name, content, target in _members(file, nested=False, marked=True):
            # what leads out of the inner archive leads to nothing: no member's name has `..` in it
            yield f"{outer}/{name}", content, None if target is None else f"{outer}/{target}"
    except (tarfile.TarError, EOFError) as error:
        raise tarfile.ReadError(f"in {outer}: {error}") from error

"""Tar archives as streams, plain or compressed, in constant memory: tars inside tars, and an md5.

A checksum that is taken while the images are read costs no second pass over an archive of hundreds
of gigabytes. By hand, not libarchive, which gives no md5 of the bytes read and no name outside the
archive as an error.
"""

import bz2
import gzip
import hashlib
import lzma
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from tqdm import tqdm

from fourlenses.core.errors import UserError
from fourlenses.core.patience import open_patiently
from fourlenses.core.progress import progress_bar
from fourlenses.data.archives.member_names import normal, target_of

# by the first bytes, not by the name: downloads are sometimes decompressed on the way, and keep it
_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_BLOCK = 512
Member = tuple[str, bytes | None, str | None]


class _Tap:
    """A file for reading forwards that counts the bytes read, and hashes and shows them if asked.

    Not an `io` class: `tarfile` and the decompressors need its `read` alone.
    """

    def __init__(self, file: IO[bytes], digest: Any = None, bar: tqdm | None = None) -> None:
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
    path: Path,
    dataset: str,
    *,
    md5: str | None = None,
    nested: bool = False,
    progress: bool = False,
) -> Iterator[Member]:
    """Yield the members of a tar archive in its order.

    Args:
        path: Of the archive.
        dataset: Its name, for errors.
        md5: Of the whole file, checked once it has been read.
        nested: Whether members named .tar are opened; their members come as ``outer.tar/inner``.
        progress: Whether to show a bar of the bytes read.

    Yields:
        ``(name, content, None)`` of a file, ``(name, None, None)`` of a folder, and
        ``(name, None, target)`` of a link.

    Raises:
        UserError: It has another md5.
        OutsideError: A name leads out.
        tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError: It is damaged or truncated.
    """
    bar = progress_bar(path.name, "B", path.stat().st_size, shown=progress)
    with open_patiently(path) as file, bar:
        first = file.read(6)
        file.seek(0)
        tap = _Tap(file, None if md5 is None else hashlib.md5(usedforsecurity=False), bar)
        openers = (opener for magic, opener in _OPENERS.items() if first.startswith(magic))
        opener = next(openers, None)
        yield from _members(opener(tap) if opener else tap, nested=nested, marked=opener is None)
        if md5 is not None:
            while tap.read(1 << 20):
                pass
            if tap.digest.hexdigest() != md5:
                raise UserError(
                    f"config key 'datasets.{dataset}.path': {path} has md5 "
                    f"{tap.digest.hexdigest()}, expected {md5}: it is damaged or not the published "
                    f"file; fetch it again, or set 'datasets.{dataset}.verify' to false to use it "
                    "as it is"
                )


def _members(file: IO[bytes] | _Tap, *, nested: bool, marked: bool) -> Iterator[Member]:
    tap = _Tap(cast(IO[bytes], file))
    with tarfile.open(
        fileobj=cast(IO[bytes], tap),
        mode="r|",
        bufsize=1 << 16,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        while (member := archive.next()) is not None:
            # tarfile keeps every member that it has met: about 1 KB each, gigabytes for millions
            archive.members.clear()  # type: ignore[attr-defined]  # missing in typeshed
            if member.isreg():
                name, content = normal(member.name), archive.extractfile(member)
                assert content is not None  # of a regular file there is one
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
        # A compressed archive that breaks off is an error; a cut between two members of a plain one
        # is the archive's end to tarfile.
        if marked and tap.bytes < archive.offset + _BLOCK:
            raise EOFError("no end-of-archive mark")


def _inner(outer: str, file: IO[bytes]) -> Iterator[Member]:
    try:
        for name, content, target in _members(file, nested=False, marked=True):
            # what leads out of the inner archive leads to nothing: no member's name has `..` in it
            yield f"{outer}/{name}", content, None if target is None else f"{outer}/{target}"
    except (tarfile.TarError, EOFError) as error:
        raise tarfile.ReadError(f"in {outer}: {error}") from error

"""The files of a directory or an archive, one after the other, in constant memory and without unpacking anything to disk.

Nothing is ever written under a member's name, so a name such as ``../../x`` is only a name; links and devices inside an archive
are passed over.
"""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fourlenses.data.tar_stream import tar_members
from fourlenses.errors import UserError

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError)
SUFFIXES = (*_TAR, ".zip")


def members(path: Path, dataset: str) -> Iterator[tuple[str, bytes]]:
    """``(name, content)`` of every regular file under ``path``, names relative and with forward slashes.

    A directory is read in sorted order, an archive in its own order.

    Raises:
        UserError: ``path`` is absent, of an unknown kind, or breaks off; the message names the dataset's config key.
    """
    if not path.exists():
        raise UserError(
            f"config key 'datasets.{dataset}.path': there is no file or directory {path}; "
            "put it there, correct the key, or point 'raw_data' at the folder that holds it"
        )
    if path.is_dir():
        yield from _files(path, dataset)
    elif path.name.endswith(_TAR):
        yield from guarded(tar_members(path, dataset), path, dataset)
    elif path.suffix == ".zip":
        yield from guarded(_zip_members(path), path, dataset)
    else:
        raise UserError(f"config key 'datasets.{dataset}.path': {path} is neither a directory nor one of {', '.join(SUFFIXES)}")


def _files(path: Path, dataset: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.is_file():  # a link to a file is one: trees of links are common
            try:
                data = file.read_bytes()
            except OSError as error:
                raise UserError(f"config key 'datasets.{dataset}.path': {file} cannot be read ({error.strerror})") from error
            yield file.relative_to(path).as_posix(), data


def _zip_members(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield _normal(member.filename), archive.read(member)


def guarded(inner: Iterator[tuple[str, bytes]], path: Path, dataset: str) -> Iterator[tuple[str, bytes]]:
    """The same members; where the archive breaks off, a `UserError` that names it and the dataset's config key."""
    count = 0
    while True:
        try:
            member = next(inner)
        except StopIteration:
            return
        except _BROKEN as error:
            raise UserError(
                f"config key 'datasets.{dataset}.path': the archive {path} is damaged or truncated after {count} files "
                f"({type(error).__name__}: {error}); fetch it again"
            ) from error
        count += 1
        yield member


def _normal(name: str) -> str:
    return PurePosixPath(name).as_posix().removeprefix("./")

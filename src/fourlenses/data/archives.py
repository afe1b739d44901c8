"""The files of a directory or an archive, one after the other, in constant memory and without unpacking anything to disk.

Nothing is ever written under a member's name. What a name means is what it would mean after unpacking: a leading ``/`` is dropped as
`tar` drops it, a link stands for the file or folder it leads to, and of several members of one name the last counts (which is up to the
caller: all are given, in order). A name that climbs out with ``..`` is an error; devices and pipes are passed over.
"""

import lzma
import os
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from fourlenses.data.decode import Undecodable
from fourlenses.errors import UserError, printable

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# RuntimeError: a zip that is encrypted or packed by a method Python lacks
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError, RuntimeError)
_DEPTH = 40  # links followed one after the other before they are taken for a circle; Linux's own number


def members(path: Path, dataset: str, folders: set[str] | None = None) -> Iterator[tuple[str, bytes | Undecodable]]:
    """``(name, content)`` of every file under ``path``, names relative and with forward slashes; bytes that are not UTF-8 in a name are
    kept as Python keeps them (surrogateescape).

    A directory is read in sorted order, an archive in its own order with what its links lead to at the end. The content of a link that
    leads to nothing inside is an `Undecodable` that says so. ``folders`` is filled with the names of the folders met.

    Raises:
        UserError: ``path`` is absent, of an unknown kind, or breaks off; the message names the dataset's config key.
    """
    folders = set() if folders is None else folders
    if not path.exists():
        raise UserError(
            f"config key 'datasets.{dataset}.path': there is no file or directory {path}; "
            "put it there, correct the key, or point 'raw_data' at the folder that holds it"
        )
    if path.is_dir():
        for name in file_names(path, dataset, folders):
            yield name, _read(path / name, dataset)
    elif path.name.endswith(_TAR):
        yield from _guarded(_with_links(_tar_members, path, folders), path, dataset)
    elif path.suffix == ".zip":
        yield from _guarded(_with_links(_zip_members, path, folders), path, dataset)
    else:
        raise UserError(f"config key 'datasets.{dataset}.path': {path} is neither a directory nor one of {', '.join([*_TAR, '.zip'])}")


def file_names(path: Path, dataset: str, folders: set[str]) -> list[str]:
    """The files under a directory, sorted by their parts. Links to folders are followed (trees of links are common), circles are not."""

    def fail(error: OSError) -> None:
        raise UserError(f"config key 'datasets.{dataset}.path': {error.filename} cannot be listed ({error.strerror})") from error

    names = []
    for folder, inner, files in os.walk(path, onerror=fail, followlinks=True):
        inner[:] = [name for name in inner if not _circle(folder, name)]
        start = "" if Path(folder) == path else Path(folder).relative_to(path).as_posix() + "/"
        folders.update(start + name for name in inner)
        for name in files:
            file = os.path.join(folder, name)
            if os.path.isfile(file) or (os.path.islink(file) and not os.path.exists(file)):
                names.append(start + name)
    return sorted(names, key=lambda name: name.replace("/", "\0"))


def _circle(folder: str, name: str) -> bool:
    """Whether a folder is a link to one that it lies in."""
    end = os.path.join(folder, name)
    return os.path.islink(end) and (os.path.realpath(folder) + "/").startswith(os.path.realpath(end).rstrip("/") + "/")


def _read(file: Path, dataset: str) -> bytes | Undecodable:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return Undecodable(f"a link to '{printable(os.readlink(file))}', which does not exist" if file.is_symlink() else "no such file")
    except OSError as error:
        raise UserError(f"config key 'datasets.{dataset}.path': {file} cannot be read ({error.strerror})") from error


def _with_links(read, path: Path, folders: set[str]) -> Iterator[tuple[str, bytes | Undecodable]]:
    """Files first; then, in a second pass that only archives with links pay for, the same contents under the names of the links."""
    links = {}
    for name, content, target in read(path):
        if target is not None:
            links[name] = target
        elif content is None:
            folders.add(name)
        else:
            yield name, content
    ends = {name: _follow(name, links) for name in links}
    by_end = {}
    for name, end in ends.items():
        by_end.setdefault(end, []).append(name)
    reached = set()
    for name, content, target in read(path) if links else ():
        if target is None and content is not None:
            parts = name.split("/")
            for depth in range(1, len(parts) + 1):  # a link may lead to the file or to a folder around it
                end = "/".join(parts[:depth])
                for link in by_end.get(end, ()):
                    reached.add(link)
                    yield link + name[len(end) :], content
    for name in links:
        if name not in reached and ends[name] not in folders:
            yield name, Undecodable(f"a link to '{printable(links[name])}', which is no file in the archive")


def _follow(name: str, links: dict[str, str]) -> str | None:
    for _ in range(_DEPTH):
        if name not in links:
            return name
        name = links[name]
    return None


def _tar_members(path: Path) -> Iterator[tuple[str, bytes | None, str | None]]:
    """``(name, content, None)`` of a file, ``(name, None, None)`` of a folder, ``(name, None, target)`` of a link."""
    with tarfile.open(path, "r|*", encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            if member.isreg():
                yield _normal(member.name), archive.extractfile(member).read(), None
            elif member.isdir():
                yield _normal(member.name), None, None
            elif member.islnk():  # hard: a second name of an earlier member
                yield _normal(member.name), None, posixpath.normpath(member.linkname.lstrip("/"))
            elif member.issym():
                yield _normal(member.name), None, _target(member.name, member.linkname)
    # a compressed archive that breaks off says so; of a plain one, tarfile takes a cut between two members for its end
    if path.suffix == ".tar":
        with open(path, "rb") as file:
            file.seek(archive.offset)
            if file.read(512) != bytes(512):
                raise EOFError("no end-of-archive mark")


def _zip_members(path: Path) -> Iterator[tuple[str, bytes | None, str | None]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename
            if not member.flag_bits & 0x800:  # without the mark for UTF-8, zipfile takes the bytes for code page 437
                name = name.encode("cp437").decode("utf-8", "surrogateescape")
            if member.is_dir():
                yield _normal(name), None, None
            elif stat.S_ISLNK(member.external_attr >> 16):
                yield _normal(name), None, _target(name, archive.read(member).decode("utf-8", "surrogateescape"))
            else:
                yield _normal(name), archive.read(member), None


def _guarded(inner: Iterator[tuple[str, bytes]], path: Path, dataset: str) -> Iterator[tuple[str, bytes]]:
    count = 0
    while True:
        try:
            member = next(inner)
        except StopIteration:
            return
        except _Outside as error:
            raise UserError(
                f"config key 'datasets.{dataset}.path': the archive {path} has a member named '{printable(str(error))}', which points out "
                "of it; pack it again from inside its folder"
            ) from None
        except _BROKEN as error:
            raise UserError(
                f"config key 'datasets.{dataset}.path': the archive {path} is damaged or truncated after {count} files "
                f"({type(error).__name__}: {error}); fetch it again"
            ) from error
        count += 1
        yield member


class _Outside(Exception):
    """A member's name climbs out of the archive."""


def _normal(name: str) -> str:
    normal = posixpath.normpath(name.lstrip("/"))
    if normal.split("/")[0] == "..":
        raise _Outside(name)
    return normal


def _target(name: str, link: str) -> str:
    """Where a symbolic link leads, seen from the top of the archive; what is outside starts with ``/`` or ``..``, as no member does."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(posixpath.normpath(name.lstrip("/"))), link))

"""The files of an archive, one after the other, in constant memory, without unpacking to disk.

Nothing is ever written under a member's name. A name means what it would mean after unpacking: a
leading ``/`` is dropped as `tar` drops it, a link stands for the file or folder that it leads to,
and of several members of one name the last counts (which is up to the caller: all are given, in
order). A name that climbs out with ``..`` is an error; devices and pipes are skipped.
"""

import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fourlenses.core.errors import UserError, printable
from fourlenses.core.patience import open_patiently
from fourlenses.core.progress import progress_bar
from fourlenses.data.archives.kinds import SUFFIXES, ZIP, ZIP_METHODS, is_archive, kind_of
from fourlenses.data.archives.member_names import OutsideError, normal, target_of
from fourlenses.data.archives.tar_stream import Member, tar_members
from fourlenses.data.images.content import Undecodable

_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,
)


class UnreadableError(Exception):
    """An archive of a kind that is read, packed in a way that is not; what, and what to do."""


# Links followed one after the other before they count as a circle; Linux's number.
_DEPTH = 40


def members(
    path: Path,
    dataset: str,
    *,
    folders: set[str] | None = None,
    md5: str | None = None,
    nested: bool = False,
    progress: bool = False,
) -> Iterator[tuple[str, bytes | Undecodable]]:
    """Yield ``(name, content)`` of every file in an archive.

    They come in the archive's order, the targets of its links at the end. Names are relative, with
    forward slashes; bytes that are not UTF-8 are kept as Python keeps them (surrogateescape). The
    content of a link that leads to nothing inside is an `Undecodable`.

    Args:
        path: Of the archive.
        dataset: Its name, for errors.
        folders: Filled with the names of the folders met.
        md5: As in `tar_members`; of tars alone.
        nested: As in `tar_members`; of tars alone.
        progress: Whether to show a bar of the first pass.

    Raises:
        UserError: ``path`` is absent or of an unknown kind, or breaks off, or has another md5; the
            message names the dataset's config key.
    """
    if not path.exists():
        raise UserError(
            f"config key 'datasets.{dataset}.path': there is no file or directory {path}; "
            "put it there, correct the key, or point 'raw_data' at the folder that holds it"
        )
    kind, instead = kind_of(path)
    if instead:
        raise UserError(f"config key 'datasets.{dataset}.path': {path} is {instead}")
    if not kind and not is_archive(path.name):
        raise UserError(
            f"config key 'datasets.{dataset}.path': {path} is neither a directory nor one of "
            f"{', '.join(SUFFIXES)}{_part_of(path.name)}"
        )
    first: Read
    again: Read
    if kind == ZIP or (not kind and path.suffix.lower() == ".zip"):
        first, again = partial(_zip_members, path, progress), partial(_zip_members, path)
    else:
        again = partial(tar_members, path, dataset, nested=nested)
        first = partial(tar_members, path, dataset, md5=md5, nested=nested, progress=progress)
    return _guarded(_with_links(first, again, set() if folders is None else folders), path, dataset)


Read = Callable[[], Iterator[Member]]


def _part_of(name: str) -> str:
    """Return what to do about a part of an archive that was split, "" for other names."""
    whole = re.fullmatch(r"(.+?)\.?(?:part)?[-_.]?(?:\d{1,3}|[a-z]{2})", name, re.IGNORECASE)
    if not whole or not is_archive(whole[1]):
        return ""
    return f"; join the parts first: cat {whole[1]}* > {whole[1]}"


def _with_links(
    first: Read, again: Read, folders: set[str]
) -> Iterator[tuple[str, bytes | Undecodable]]:
    """Yield the files, then the same contents under the names of the links.

    Only archives with links pay for the second pass.
    """
    links: dict[str, str] = {}
    for name, content, target in first():
        if target is not None:
            links[name] = target
        elif content is None:
            folders.add(name)
        else:
            yield name, content
    ends = {name: _follow(name, links) for name in links}
    by_end: dict[str | None, list[str]] = {}
    for name, end in ends.items():
        by_end.setdefault(end, []).append(name)
    reached = set()
    for name, content, target in again() if links else ():
        if target is None and content is not None:
            parts = name.split("/")
            # a link may lead to the file or to a folder around it
            for depth in range(1, len(parts) + 1):
                around = "/".join(parts[:depth])
                for link in by_end.get(around, ()):
                    reached.add(link)
                    yield link + name[len(around) :], content
    for name, link_target in links.items():
        if name not in reached and ends[name] not in folders:
            reason = f"a link to '{printable(link_target)}', which is no file in the archive"
            yield name, Undecodable(reason)


def _follow(name: str, links: dict[str, str]) -> str | None:
    for _ in range(_DEPTH):
        if name not in links:
            return name
        name = links[name]
    return None


def _zip_members(path: Path, progress: bool = False) -> Iterator[Member]:
    """Yield the members of a zip archive, as `tar_members` does."""
    with open_patiently(path) as file, zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        for member in progress_bar(path.name, "file", items=entries, shown=progress):
            name = member.filename
            # programs of Windows that break the rule for zips, as unzip reads them
            if member.create_system == 0 and "/" not in name:
                name = name.replace("\\", "/")
            # without the mark for UTF-8, zipfile decodes the bytes as code page 437
            if not member.flag_bits & 0x800:
                name = name.encode("cp437").decode("utf-8", "surrogateescape")
            if member.is_dir() or name.endswith("/"):
                yield normal(name), None, None
                continue
            data = _read(archive, member)
            if stat.S_ISLNK(member.external_attr >> 16):
                yield (
                    normal(name),
                    None,
                    target_of(name, data.decode("utf-8", "surrogateescape")),
                )
            else:
                yield normal(name), data, None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member.

    Raises:
        UnreadableError: It is encrypted, or packed by a method that Python lacks.
    """
    if member.flag_bits & 1:
        raise UnreadableError("is encrypted; unpack it with its password")
    try:
        return archive.read(member)
    except NotImplementedError:
        number = member.compress_type
        method = ZIP_METHODS.get(number, f"method {number}")
        raise UnreadableError(
            f"is packed by {method}, which Python lacks; unpack it (7z x, unzip)"
        ) from None


def _guarded(
    inner: Iterator[tuple[str, bytes | Undecodable]], path: Path, dataset: str
) -> Iterator[tuple[str, bytes | Undecodable]]:
    count = 0
    while True:
        try:
            member = next(inner)
        except StopIteration:
            return
        except OutsideError as error:
            raise UserError(
                f"config key 'datasets.{dataset}.path': the archive {path} has a member named "
                f"'{printable(str(error))}', which points out of it; pack it again from inside its "
                "folder"
            ) from None
        except UnreadableError as error:
            raise UserError(
                f"config key 'datasets.{dataset}.path': the archive {path} {error} and point the "
                "key at the folder"
            ) from None
        except _BROKEN as error:
            if "span multiple disks" in str(error):
                raise UserError(
                    f"config key 'datasets.{dataset}.path': {path} is one of several volumes of an "
                    "archive; unpack them together (7z x) and point the key at the folder"
                ) from None
            raise UserError(
                f"config key 'datasets.{dataset}.path': the archive {path} is damaged or truncated "
                f"after {count} files ({type(error).__name__}: {error}); fetch it again"
            ) from error
        count += 1
        yield member

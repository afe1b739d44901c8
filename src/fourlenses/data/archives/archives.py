"""The files of an archive, one after the other, in constant memory and without unpacking anything to disk.

Nothing is ever written under a member's name. What a name means is what it would mean after unpacking: a leading ``/`` is dropped as
`tar` drops it, a link stands for the file or folder it leads to, and of several members of one name the last counts (which is up to the
caller: all are given, in order). A name that climbs out with ``..`` is an error; devices and pipes are passed over.
"""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fourlenses.core.errors import UserError, printable
from fourlenses.core.progress import progress_bar
from fourlenses.data.archives.member_names import OutsideError, normal, target_of
from fourlenses.data.archives.tar_stream import Member, tar_members
from fourlenses.data.images.content import Undecodable

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
# RuntimeError: a zip that is encrypted or packed by a method Python lacks
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,
)
_DEPTH = (
    40  # links followed one after the other before they are taken for a circle; Linux's own number
)


def members(
    path: Path,
    dataset: str,
    folders: set[str] | None = None,
    md5: str | None = None,
    nested: bool = False,
    progress: bool = False,
) -> Iterator[tuple[str, bytes | Undecodable]]:
    """``(name, content)`` of every file in an archive, names relative and with forward slashes; bytes that are not UTF-8 in a name are
    kept as Python keeps them (surrogateescape).

    They come in the archive's own order, with what its links lead to at the end. The content of a link that leads to nothing inside is an
    `Undecodable` that says so. ``folders`` is filled with the names of the folders met; of tars, ``md5`` and ``nested`` are as in
    `tar_members`. progress: show how far the first pass is.

    Raises:
        UserError: ``path`` is absent or of an unknown kind, or breaks off, or has another md5; the message names the dataset's config key.
    """
    if not path.exists():
        raise UserError(
            f"config key 'datasets.{dataset}.path': there is no file or directory {path}; "
            "put it there, correct the key, or point 'raw_data' at the folder that holds it"
        )
    if not path.name.endswith(SUFFIXES):
        raise UserError(
            f"config key 'datasets.{dataset}.path': {path} is neither a directory nor one of {', '.join(SUFFIXES)}"
        )
    if path.suffix == ".zip":
        first, again = partial(_zip_members, path, progress), partial(_zip_members, path)
    else:
        first, again = (
            partial(tar_members, path, dataset, md5, nested, progress),
            partial(tar_members, path, dataset, nested=nested),
        )
    return _guarded(_with_links(first, again, set() if folders is None else folders), path, dataset)


Read = Callable[[], Iterator[Member]]


def _with_links(
    first: Read, again: Read, folders: set[str]
) -> Iterator[tuple[str, bytes | Undecodable]]:
    """Files first; then, in a second pass that only archives with links pay for, the same contents under the names of the links."""
    links = {}
    for name, content, target in first():
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
    for name, content, target in again() if links else ():
        if target is None and content is not None:
            parts = name.split("/")
            for depth in range(
                1, len(parts) + 1
            ):  # a link may lead to the file or to a folder around it
                end = "/".join(parts[:depth])
                for link in by_end.get(end, ()):
                    reached.add(link)
                    yield link + name[len(end) :], content
    for name in links:
        if name not in reached and ends[name] not in folders:
            yield (
                name,
                Undecodable(
                    f"a link to '{printable(links[name])}', which is no file in the archive"
                ),
            )


def _follow(name: str, links: dict[str, str]) -> str | None:
    for _ in range(_DEPTH):
        if name not in links:
            return name
        name = links[name]
    return None


def _zip_members(path: Path, progress: bool = False) -> Iterator[Member]:
    """As `tar_members` gives them."""
    with (
        zipfile.ZipFile(path) as archive,
        progress_bar(path.name, "file", len(archive.infolist()), shown=progress) as bar,
    ):
        for member in archive.infolist():
            bar.update()
            name = member.filename
            if (
                not member.flag_bits & 0x800
            ):  # without the mark for UTF-8, zipfile takes the bytes for code page 437
                name = name.encode("cp437").decode("utf-8", "surrogateescape")
            if member.is_dir():
                yield normal(name), None, None
            elif stat.S_ISLNK(member.external_attr >> 16):
                yield (
                    normal(name),
                    None,
                    target_of(name, archive.read(member).decode("utf-8", "surrogateescape")),
                )
            else:
                yield normal(name), archive.read(member), None


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

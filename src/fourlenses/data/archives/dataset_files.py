"""The files of a dataset on disk: a folder, an archive, or a folder that holds archives.

Two passes have to agree: indexing lists the files with `walk`, conversion asks for them again with
`files_of_rows`. Both see them in storage order, so neither needs memory. A file on disk comes as
its path, so that a reader may read a part of it; a member of an archive comes as its content.
"""

import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from fourlenses.core.errors import UserError, printable
from fourlenses.core.patience import patiently
from fourlenses.core.progress import progress_bar
from fourlenses.data.archives.archives import members
from fourlenses.data.archives.kinds import SUFFIXES, is_archive
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.manifest import Manifest

StoredFile = Path | bytes | Undecodable  # on disk; in an archive; or why there is nothing
_ARCHIVE = re.compile("|".join(re.escape(suffix) + "/" for suffix in SUFFIXES), re.IGNORECASE)


def walk(
    path: Path,
    dataset: str,
    *,
    enter: Callable[[str], bool] | None = None,
    folders: set[str] | None = None,
    md5: str | None = None,
    nested: bool = False,
    progress: bool = False,
) -> Iterator[tuple[str, StoredFile]]:
    """Yield ``(name, file)`` of everything under a folder, sorted, or in an archive, in its order.

    A member of an archive inside the folder is named ``<path of the archive>/<member>``.

    Args:
        path: Of the folder or archive.
        dataset: Its name, for errors.
        enter: Whether to enter a folder or archive inside the folder, by its bare name. None enters
            all folders, and archives are files like others.
        folders: As in `archives.members`.
        md5: As in `archives.members`.
        nested: As in `archives.members`.
        progress: Whether to show a bar.

    Raises:
        UserError: ``path`` is absent or unreadable, or an archive is damaged; the message names the
            dataset's config key.
    """
    if not path.is_dir():
        yield from members(
            path, dataset, folders=folders, md5=md5, nested=nested, progress=progress
        )
        return
    names = file_names(path, dataset, folders=folders, enter=enter)
    for name in progress_bar(path.name, "file", items=names, shown=progress):
        if enter is None or not is_archive(name):
            yield name, path / name
        elif enter(name.rpartition("/")[2]):
            for member, data in members(path / name, dataset):
                yield f"{name}/{member}", data


def file_names(
    path: Path,
    dataset: str,
    *,
    folders: set[str] | None = None,
    enter: Callable[[str], bool] | None = None,
) -> Iterator[str]:
    """Yield the files under a directory, sorted by their parts.

    Links to folders are followed (trees of links are common), circles are not; a link that leads to
    nothing counts as a file.
    """
    met = set() if folders is None else folders
    return _below(str(path), "", dataset=dataset, folders=met, enter=enter)


def _below(
    folder: str,
    start: str,
    *,
    dataset: str,
    folders: set[str],
    enter: Callable[[str], bool] | None,
) -> Iterator[str]:
    try:
        entries = patiently(lambda: _entries(folder), Path(folder))
    except OSError as error:
        if leftover(start):  # `lost+found` is the superuser's
            return
        raise UserError(
            f"config key 'datasets.{dataset}.path': {folder} cannot be listed ({error.strerror})"
        ) from error
    for entry in entries:
        name, link = start + entry.name, entry.is_symlink()
        if os.path.isdir(entry.path) if link else entry.is_dir():
            if (enter is None or enter(entry.name)) and not (link and _circle(folder, entry.path)):
                folders.add(name)
                yield from _below(
                    entry.path, name + "/", dataset=dataset, folders=folders, enter=enter
                )
        elif (not link and entry.is_file()) or (
            link and (os.path.isfile(entry.path) or not os.path.exists(entry.path))
        ):
            yield name


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as listed:
        return sorted(listed, key=lambda entry: entry.name)


def _circle(folder: str, link: str) -> bool:
    """Return whether a link to a folder leads to one that it lies in."""
    return (os.path.realpath(folder) + "/").startswith(os.path.realpath(link).rstrip("/") + "/")


def content(file: StoredFile, dataset: str) -> bytes | Undecodable:
    """Return the bytes of a file, or the reason why there are none.

    Raises:
        UserError: It is gone since it was listed, or cannot be read.
    """
    if not isinstance(file, Path):
        return file
    try:
        return patiently(lambda: _whole(file), file)
    except PermissionError as error:  # of single files; many are more than 'max_undecodable' allows
        return Undecodable(f"cannot be read ({error.strerror})")
    except FileNotFoundError as error:
        if file.is_symlink():
            return Undecodable(f"a link to '{printable(os.readlink(file))}', which does not exist")
        raise _gone(file, dataset) from error
    except OSError as error:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {file} cannot be read ({error.strerror})"
        ) from error


def _whole(file: Path) -> bytes:
    with open(file, "rb", buffering=0) as opened:
        return opened.read()


def files_of_rows(
    path: Path, dataset: str, manifest: Manifest, *, nested: bool = False
) -> Iterator[StoredFile]:
    """Yield the file of each row of a manifest, whose rows are in the order of `walk`.

    Of several members of one name the manifest's column ``earlier``, where there is one, is the
    number to skip. A row without a path is of a file that was listed, but is absent.

    Raises:
        UserError: A member is not there any more, or as in `archives.members`.
    """
    repeated = "earlier" in manifest
    rows = zip(
        manifest["path"], manifest["earlier"] if repeated else itertools.repeat(0), strict=False
    )
    is_folder, is_file = path.is_dir(), functools.cache(Path.is_file)

    def archive_of(row: tuple[str, int]) -> Path | None:
        if not row[0] or not is_folder:
            return path if row[0] else None
        around = (path / row[0][: match.end() - 1] for match in _ARCHIVE.finditer(row[0]))
        return next(filter(is_file, around), None)

    for archive, group in itertools.groupby(rows, key=archive_of):
        if archive is None:
            absent = Undecodable(f"listed, but not in {path}")
            yield from (path / name if name else absent for name, _ in group)
        else:
            prefix = "" if archive == path else archive.relative_to(path).as_posix() + "/"
            stream = members(archive, dataset, nested=nested)
            missing = yield from _members(stream, group, prefix=prefix, repeated=repeated)
            if missing is not None:
                raise _gone(f"{archive}/{missing.removeprefix(prefix)}", dataset)


def _members(
    stream: Iterator[tuple[str, bytes | Undecodable]],
    rows: Iterator[tuple[str, int]],
    *,
    prefix: str,
    repeated: bool,
) -> Generator[bytes | Undecodable, None, str | None]:
    """Yield the members of an archive that rows name; return a name that it lacks, else None."""
    counts: Counter[str] = Counter()
    expected, earlier = next(rows)
    for member, data in stream:
        name = prefix + member
        if repeated:  # only then: a count of each name takes memory
            counts[name] += 1
        if name != expected or (repeated and counts[name] <= earlier):
            continue
        yield data
        row = next(rows, None)
        if row is None:
            return None
        expected, earlier = row
    return expected


def _gone(file: Path | str, dataset: str) -> UserError:
    return UserError(
        f"config key 'datasets.{dataset}.path': '{printable(str(file))}' is no longer where it was "
        f"when the dataset was indexed; put it back, or delete data/{dataset}/manifest.parquet to "
        "index again"
    )

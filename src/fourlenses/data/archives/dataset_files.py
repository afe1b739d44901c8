"""The files of a dataset as it lies on disk: a folder, an archive, or a folder that holds archives (large datasets come as several).

Two passes have to agree: indexing lists the files with `walk`, writing asks for them again with `pick`. Both see them in storage order, so
neither needs memory. What lies on disk comes as its path, so that a reader may look at a part of it; a member of an archive comes as its
content.
"""

import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from fourlenses.core.errors import UserError, printable
from fourlenses.core.progress import progress_bar
from fourlenses.data.archives.archives import SUFFIXES, members
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.manifest import Manifest

StoredFile = Path | bytes | Undecodable  # on disk; in an archive; or why there is nothing
_ARCHIVE = re.compile("|".join(re.escape(suffix) + "/" for suffix in SUFFIXES))


def walk(
    path: Path,
    dataset: str,
    enter: Callable[[str], bool] | None = None,
    folders: set[str] | None = None,
    md5: str | None = None,
    nested: bool = False,
    progress: bool = False,
) -> Iterator[tuple[str, StoredFile]]:
    """``(name, file)`` of everything under ``path``: of a folder in sorted order, of an archive in its own.

    enter: which folders and archives inside a folder are looked into, by their bare names; None: all folders, but archives are files like
    others. A member of an archive inside the folder is named ``<path of the archive>/<member>``. folders, md5, nested and progress: see
    `archives.members`.

    Raises:
        UserError: ``path`` is absent or unreadable, or an archive is damaged; the message names the dataset's config key.
    """
    if not path.is_dir():
        yield from members(path, dataset, folders, md5, nested, progress)
        return
    for name in progress_bar(
        path.name, "file", items=file_names(path, dataset, folders, enter), shown=progress
    ):
        if enter is None or not name.endswith(SUFFIXES):
            yield name, path / name
        elif enter(name.rpartition("/")[2]):
            for member, data in members(path / name, dataset):
                yield f"{name}/{member}", data


def file_names(
    path: Path,
    dataset: str,
    folders: set[str] | None = None,
    enter: Callable[[str], bool] | None = None,
) -> Iterator[str]:
    """The files under a directory, sorted by their parts. Links to folders are followed (trees of links are common), circles are not; a
    link that leads to nothing counts as a file."""
    return _below(str(path), "", dataset, set() if folders is None else folders, enter)


def _below(
    folder: str, start: str, dataset: str, folders: set[str], enter: Callable[[str], bool] | None
) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {folder} cannot be listed ({error.strerror})"
        ) from error
    for entry in entries:
        name, link = start + entry.name, entry.is_symlink()
        if os.path.isdir(entry.path) if link else entry.is_dir():
            if (enter is None or enter(entry.name)) and not (link and _circle(folder, entry.path)):
                folders.add(name)
                yield from _below(entry.path, name + "/", dataset, folders, enter)
        elif (not link and entry.is_file()) or (
            link and (os.path.isfile(entry.path) or not os.path.exists(entry.path))
        ):
            yield name


def _circle(folder: str, link: str) -> bool:
    """Whether a link to a folder leads to one that it lies in."""
    return (os.path.realpath(folder) + "/").startswith(os.path.realpath(link).rstrip("/") + "/")


def content(file: StoredFile, dataset: str) -> bytes | Undecodable:
    """What a file holds.

    Raises:
        UserError: it is gone since it was listed, or cannot be read.
    """
    if not isinstance(file, Path):
        return file
    try:
        with open(file, "rb", buffering=0) as opened:
            return opened.read()
    except FileNotFoundError as error:
        if file.is_symlink():
            return Undecodable(f"a link to '{printable(os.readlink(file))}', which does not exist")
        raise _gone(file, dataset) from error
    except OSError as error:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {file} cannot be read ({error.strerror})"
        ) from error


def files_of_rows(
    path: Path, dataset: str, manifest: Manifest, nested: bool = False
) -> Iterator[StoredFile]:
    """Per row of a manifest the file that `walk` named so, the rows being in its order.

    Of several members of one name the manifest's column ``earlier``, where it has one, says how many to pass over. A row without a path is
    of a file that was announced, but nowhere to be found.

    Raises:
        UserError: a member is not there any more, and all that `archives.members` raises.
    """
    repeated = "earlier" in manifest
    rows = zip(
        manifest["path"], manifest["earlier"] if repeated else itertools.repeat(0), strict=False
    )
    is_folder, is_file = path.is_dir(), functools.cache(Path.is_file)

    def archive_of(row: tuple[str, int]) -> Path | None:
        if not row[0] or not is_folder:
            return path if row[0] else None
        around = (path / row[0][: found.end() - 1] for found in _ARCHIVE.finditer(row[0]))
        return next(filter(is_file, around), None)

    for archive, group in itertools.groupby(rows, key=archive_of):
        if archive is None:
            yield from (
                path / name if name else Undecodable(f"listed, but not in {path}")
                for name, _ in group
            )
        else:
            prefix = "" if archive == path else archive.relative_to(path).as_posix() + "/"
            yield from _members(archive, prefix, dataset, group, repeated, nested)


def _members(
    archive: Path,
    prefix: str,
    dataset: str,
    rows: Iterator[tuple[str, int]],
    repeated: bool,
    nested: bool,
) -> Iterator[bytes | Undecodable]:
    (expected, earlier), seen = next(rows), Counter()
    for member, data in members(archive, dataset, nested=nested):
        name = prefix + member
        if repeated:  # only then: a count a name takes memory
            seen[name] += 1
        if name != expected or (repeated and seen[name] <= earlier):
            continue
        yield data
        expected, earlier = next(rows, (None, 0))
        if expected is None:
            return
    raise _gone(f"{archive}/{expected.removeprefix(prefix)}", dataset)


def _gone(file: Path | str, dataset: str) -> UserError:
    return UserError(
        f"config key 'datasets.{dataset}.path': '{printable(str(file))}' is no longer where it was when the dataset was indexed; "
        f"put it back, or delete data/{dataset}/manifest.parquet to index again"
    )

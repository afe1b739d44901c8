"""The files of a folder that may hold archives beside plain files: a large dataset comes as several archives, and few unpack them all.

What lies on disk comes as its path, so that a reader may look at a part of it; a member of an archive comes as its content.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from PIL import Image

from fourlenses.data.archives import SUFFIXES, members
from fourlenses.errors import UserError


def walk(path: Path, dataset: str, enter: Callable[[str], bool] = lambda name: True) -> Iterator[tuple[str, Path | bytes]]:
    """``(name, path or content)`` of every file under ``path``: a folder, in sorted order, or one archive, in its own.

    A member of an archive inside the folder is named ``<path of the archive>/<member>``. Only the folders and archives whose bare name
    passes ``enter`` are looked into.

    Raises:
        UserError: ``path`` is absent or unreadable, or an archive is damaged; the message names the dataset's config key.
    """
    if path.is_dir():
        yield from _folder(path, "", dataset, enter, ())
    else:
        yield from members(path, dataset)


def pick(path: Path, dataset: str, wanted: Iterable[str], enter: Callable[[str], bool] = lambda name: True) -> Iterator[Path | bytes]:
    """The wanted files of ``walk``, given in its order.

    Raises:
        UserError: one of them is not there any more, and all that ``walk`` raises.
    """
    names = iter(wanted)
    expected = next(names, None)
    for name, file in walk(path, dataset, enter):
        if name == expected:
            yield file
            expected = next(names, None)
        if expected is None:
            return
    if expected is not None:
        raise UserError(f"{path} no longer holds '{expected}', which it had when it was indexed; index it again")


def content(file: Path | bytes, dataset: str) -> bytes:
    if isinstance(file, bytes):
        return file
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"config key 'datasets.{dataset}.path': {file} cannot be read ({error.strerror})") from error


def picture_size(file: Path | bytes) -> tuple[int, int]:
    """Width and height from the header of an image file; (0, 0) for what cannot be opened: the conversion says why."""
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            return image.size
    except Exception:
        return 0, 0


def _folder(folder: Path, prefix: str, dataset: str, enter: Callable, above: tuple) -> Iterator[tuple[str, Path | bytes]]:
    try:
        status = os.stat(folder)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"config key 'datasets.{dataset}.path': {folder} cannot be read ({error.strerror})") from error
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link back up
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir():
            if enter(entry.name):
                yield from _folder(folder / entry.name, name + "/", dataset, enter, (*above, here))
        elif not entry.is_file():
            continue
        elif entry.name.endswith(SUFFIXES):
            if enter(entry.name):
                for member, data in members(folder / entry.name, dataset):
                    yield f"{name}/{member}", data
        else:
            yield name, folder / entry.name

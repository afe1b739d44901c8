"""The image files of a directory or an archive: their list, and their bytes in manifest order."""

import collections
import contextlib
import functools
import logging
import posixpath
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.core.patience import patiently
from fourlenses.core.randomness import named_seed, string_ids, uniform
from fourlenses.data.archives.dataset_files import StoredFile, content, files_of_rows, walk
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.images.content import LazyImage
from fourlenses.data.images.decode import first_bytes, header_size
from fourlenses.data.images.formats import HEAD, Format, format_of
from fourlenses.data.manifest.manifest import Manifest, text_column
from fourlenses.data.manifest.skipped import Skipped
from fourlenses.data.sources.common.split_words import speaks_only_of_a_split

log = logging.getLogger(__name__)
# A file so named is an image, even one that turns out to be damaged; of others the content decides.
EXTENSIONS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}


def find_pictures(
    path: Path,
    dataset: str,
    *,
    skipped: Skipped,
    wanted: Callable[[str], bool] | None = None,
    tables: dict[str, bytes] | None = None,
    folders: set[str] | None = None,
) -> pd.DataFrame:
    """List the image files of a directory or an archive, in storage order.

    Of several members of one name in an archive the last counts, as it would after unpacking. A
    column ``earlier`` then holds the number of members to skip.

    Args:
        path: Of the directory or archive.
        dataset: Its name, for errors.
        skipped: Filled with the files that are no images, and those that systems leave behind.
        wanted: Whether a file counts, by its path. None: all images count.
        tables: Filled with the contents of the other files that end in .csv, by path.
        folders: Filled with the paths of all folders.

    Returns:
        Columns path, width and height (px, 0 where the header cannot be read).
    """
    names, widths, heights = [], array("i"), array("i")
    for name, file in walk(path, dataset, folders=folders, progress=True):
        if tables is not None and name.lower().endswith(".csv") and not leftover(name):
            data = content(file, dataset)
            if isinstance(data, bytes):
                tables[name] = data
        elif _is_wanted(name, file, skipped) if wanted is None else wanted(name):
            names.append(name)
            width, height = header_size(file)
            widths.append(width)
            heights.append(height)
    table = pd.DataFrame(
        {"path": text_column(names), "width": np.array(widths), "height": np.array(heights)}
    )
    repeated = table["path"].duplicated().sum()
    if repeated:
        log.warning(
            "%s: %d files have the name of an earlier one; of each name the last counts",
            path,
            repeated,
        )
        times = collections.Counter(names)
        table = table.drop_duplicates("path", keep="last", ignore_index=True)
        table["earlier"] = [times[name] - 1 for name in table["path"]]
    return table


def no_images(dataset: str, path: Path, skipped: Skipped) -> UserError:
    """Return the error for a directory or an archive without images: what it has instead."""
    has = "; ".join(
        f"{entry['files']} files: {reason}, e.g. '{entry['example']}'"
        for reason, entry in list(skipped.reasons.items())[:3]
    )
    packed = any("archive" in reason or ".tar" in reason for reason in skipped.reasons)
    inside = "unpack it and " if packed and path.is_file() else ""
    shards = (
        f", or set 'datasets.{dataset}.source' to webdataset if these are its shards"
        if path.is_dir() and any("(.tar)" in reason for reason in skipped.reasons)
        else ""
    )
    remedy = (
        f"{inside}point the key at the archive{' inside' if inside else ''}{shards}"
        if packed
        else "point the key at the folder or archive that holds them"
    )
    return UserError(
        f"config key 'datasets.{dataset}.path': {path} holds no images ({has or 'no files'}); "
        f"{remedy}"
    )


def _is_wanted(name: str, file: StoredFile, skipped: Skipped) -> bool:
    """Return whether a file is an image of the user's; if it is not, count it."""
    reason = leftover(name)
    if reason:
        skipped.add(reason, name, image=False)
        return False
    ending = posixpath.splitext(name)[1]
    if ending.lower() in EXTENSIONS:
        return True
    kind = _format(name, file)
    if kind.read:
        return True
    if kind.name:
        reason = f"{kind.name}, which is not read"
        skipped.add(reason, name, image=kind.looks_like_an_image)
    else:
        skipped.add(f"no image ({ending or 'no ending'})", name, image=False)
    return False


def _format(name: str, file: StoredFile) -> Format:
    head = file[:HEAD] if isinstance(file, bytes) else b""
    if isinstance(file, Path):
        with contextlib.suppress(OSError):  # conversion gives the reason
            head = patiently(functools.partial(first_bytes, file, HEAD), file)
    return format_of(head, name)


def stream_pictures(
    path: Path, dataset: str, manifest: Manifest, *, nested: bool = False
) -> Iterator[LazyImage]:
    """Yield per row of a manifest the content of its file, or a function that reads it from disk.

    Args:
        path: Of the directory or archive.
        dataset: Its name, for errors.
        manifest: Of the dataset; see `dataset_files.files_of_rows`.
        nested: As in `archives.members`.
    """
    for file in files_of_rows(path, dataset, manifest, nested=nested):
        yield functools.partial(content, file, dataset) if isinstance(file, Path) else file


def without_wrapping(
    names: Iterable[str], *, keep: Callable[[str], bool] = speaks_only_of_a_split
) -> tuple[list[tuple[str, ...]], int]:
    """Split paths into their parts, without the folders that hold everything.

    An archive and the folder it was made of then look the same. A folder that ``keep`` says to keep
    stays, and so does the folder that directly holds images.

    Returns:
        The parts of every path, and the number of characters left out at the start of each.
    """
    # millions of images lie in thousands of folders, whose parts they share
    folder_parts = functools.cache(lambda folder: tuple(folder.split("/")) if folder else ())
    parts = [(*folder_parts(folder), file) for folder, file in map(posixpath.split, names)]
    around = 0
    while (
        any(len(part) >= 3 for part in parts)
        and len({part[0] for part in parts}) == 1
        and not keep(parts[0][0])
    ):
        around += len(parts[0][0]) + 1
        parts = [part[1:] for part in parts]
    return parts, around


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC): macOS stores an umlaut as two characters."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def seeded_split(ids: list[str], definition: dict) -> list[str]:
    """Draw train or test for every id, from the seed and the id alone.

    An image stays in its split when others come or go.
    """
    draws = uniform(named_seed(definition.get("seed", 0), "split"), string_ids(ids), draws=1)[:, 0]
    return ["test" if draw < definition.get("test_fraction", 0.2) else "train" for draw in draws]

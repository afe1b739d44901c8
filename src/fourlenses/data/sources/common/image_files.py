"""The image files of a directory or an archive: their list, and their bytes in manifest order."""

import collections
import functools
import logging
import posixpath
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.randomness import named_seed, string_ids, uniform
from fourlenses.data.archives.dataset_files import content, files_of_rows, walk
from fourlenses.data.images.content import LazyImage
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest, text_column

log = logging.getLogger(__name__)
EXTENSIONS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
TEST_SPLITS = ("val", "valid", "validation", "test")


def is_picture(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in EXTENSIONS


def find_pictures(
    path: Path,
    dataset: str,
    *,
    wanted: Callable[[str], bool] = is_picture,
    tables: dict[str, bytes] | None = None,
    folders: set[str] | None = None,
) -> pd.DataFrame:
    """List the image files of a directory or an archive, in storage order.

    Of several members of one name in an archive the last counts, as it would after unpacking. A
    column ``earlier`` then holds the number of members to skip.

    Args:
        path: Of the directory or archive.
        dataset: Its name, for errors.
        wanted: Whether a file counts, by its path.
        tables: Filled with the contents of the other files that end in .csv, by path.
        folders: Filled with the paths of all folders.

    Returns:
        Columns path, width and height (px, 0 where the header cannot be read).
    """
    names, widths, heights = [], array("i"), array("i")
    unused: collections.Counter[str] = collections.Counter()
    for name, file in walk(path, dataset, folders=folders, progress=True):
        if wanted(name):
            names.append(name)
            width, height = header_size(file)
            widths.append(width)
            heights.append(height)
            continue
        unused[posixpath.splitext(name)[1] or "no ending"] += 1
        if tables is not None and name.endswith(".csv"):
            data = content(file, dataset)
            if isinstance(data, bytes):
                tables[name] = data
    if unused:
        kinds = ", ".join(f"{count} {kind}" for kind, count in unused.most_common(5))
        log.info("%s: %d other files (%s)", path, unused.total(), kinds)
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
    names: Iterable[str], *, keep: tuple[str, ...] = ("train", *TEST_SPLITS)
) -> tuple[list[tuple[str, ...]], int]:
    """Split paths into their parts, without the folders that hold everything.

    An archive and the folder it was made of then look the same. A folder named like a split stays,
    and so does the folder that directly holds images.

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
        and parts[0][0] not in keep
    ):
        around += len(parts[0][0]) + 1
        parts = [part[1:] for part in parts]
    return parts, around


def seeded_split(ids: list[str], definition: dict) -> list[str]:
    """Draw train or test for every id, from the seed and the id alone.

    An image stays in its split when others come or go.
    """
    draws = uniform(named_seed(definition.get("seed", 0), "split"), string_ids(ids), draws=1)[:, 0]
    return ["test" if draw < definition.get("test_fraction", 0.2) else "train" for draw in draws]

"""The image files of a directory or an archive: which there are, and their bytes in the order of a manifest."""

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
    wanted: Callable[[str], bool] = is_picture,
    others: dict[str, bytes] | None = None,
    folders: set[str] | None = None,
) -> pd.DataFrame:
    """Columns path, width, height: the files that are ``wanted``, in storage order. Of several of one name in an archive the last counts,
    as it would after unpacking; a column ``earlier`` then says how many to pass over.

    others: filled with the contents of the .csv files met. folders: filled with the folders met.
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
        if (
            others is not None
            and name.endswith(".csv")
            and isinstance(data := content(file, dataset), bytes)
        ):
            others[name] = data
    if unused:
        log.info(
            "%s: %d other files (%s)",
            path,
            unused.total(),
            ", ".join(f"{count} {kind}" for kind, count in unused.most_common(5)),
        )
    table = pd.DataFrame(
        {"path": text_column(names), "width": np.array(widths), "height": np.array(heights)}
    )
    again = table["path"].duplicated()
    if again.any():
        log.warning(
            "%s: %d files have the name of an earlier one; of each name the last counts",
            path,
            again.sum(),
        )
        times = collections.Counter(names)
        table = table.drop_duplicates("path", keep="last", ignore_index=True)
        table["earlier"] = [times[name] - 1 for name in table["path"]]
    return table


def stream_pictures(
    path: Path, dataset: str, manifest: Manifest, nested: bool = False
) -> Iterator[LazyImage]:
    """Per row of a manifest the content of its file (see `dataset_files.files_of_rows`), or where it lies on disk a function that reads it."""
    for file in files_of_rows(path, dataset, manifest, nested=nested):
        yield functools.partial(content, file, dataset) if isinstance(file, Path) else file


def without_wrapping(
    names: Iterable[str], keep: tuple[str, ...] = ("train", *TEST_SPLITS)
) -> tuple[list[tuple[str, ...]], int]:
    """The parts of every name, without the folders that lie around everything: an archive and the folder it was made of look the same.
    A folder named like a split, or one that lies around images themselves, stays. And how many characters of every name were left out."""
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
    """train or test for every id, drawn from the seed and the id alone: an image stays on its side when others come or go."""
    draws = uniform(named_seed(definition.get("seed", 0), "split"), string_ids(ids), draws=1)[:, 0]
    return ["test" if draw < definition.get("test_fraction", 0.2) else "train" for draw in draws]

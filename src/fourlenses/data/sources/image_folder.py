"""A directory or an archive of class folders.

They are ``train/<class>/…`` and ``val/<class>/…``, or ``<class>/…`` with a seeded split; see
`common.class_folders`. A folder that holds everything (as archives often have) is skipped. An
optional class table (CSV) gives the ancestors of the classes.
"""

import logging
import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import Manifest, text_column
from fourlenses.data.manifest.skipped import Skipped, with_skipped
from fourlenses.data.sources.common.class_folders import UNUSED, Layout
from fourlenses.data.sources.common.delimited import read_rows
from fourlenses.data.sources.common.image_files import (
    composed,
    find_pictures,
    no_images,
    seeded_split,
    stream_pictures,
    without_wrapping,
)
from fourlenses.data.sources.common.split_words import speaks_only_of_a_split

log = logging.getLogger(__name__)


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    tables: dict[str, bytes] = {}
    folders: set[str] = set()
    skipped = Skipped()
    manifest = find_pictures(path, name, skipped=skipped, tables=tables, folders=folders)
    if manifest.empty:
        raise no_images(name, path, skipped)
    _check_no_shard(name, path, images=len(manifest), skipped=skipped)
    _report_empty(path, folders, manifest["path"])
    ids = [composed(file) for file in manifest["path"]]
    split_names = definition.get("given_split") is not False
    parts, around = without_wrapping(
        ids, keep=speaks_only_of_a_split if split_names else lambda _: False
    )
    # An id leaves out the folders that hold everything, so that an archive and the folder it was
    # made of give the same subsets.
    manifest["id"] = text_column(file[around:] for file in ids)
    splits, classes = Layout(name, definition, path, skipped=skipped).read(parts)
    used = [split != UNUSED for split in splits]
    manifest["split"] = text_column(splits)
    manifest["level:class"] = text_column(classes)
    manifest = manifest[used].reset_index(drop=True)
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    classes = list(manifest.pop("level:class"))
    wanted = definition.get("levels", [])
    if wanted:
        file, table = _class_table(name, definition, raw_data, tables=tables)
        levels = _levels(name, wanted, classes, file=file, table=table)
    else:
        levels = {"class": classes}
    for level, labels in levels.items():
        manifest[f"level:{level}"] = text_column(labels)
    first = ["id", "path", "split", "width", "height"]
    manifest = manifest[[*first, *[column for column in manifest if column not in first]]]
    return with_skipped(manifest, skipped, path)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _check_no_shard(name: str, path: Path, *, images: int, skipped: Skipped) -> None:
    """Check that the images have no labels next to them, as WebDataset has.

    Raises:
        UserError: Each has.
    """
    if skipped.reasons.get("no image (.cls)", {}).get("files", 0) >= images:
        raise UserError(
            f"config key 'datasets.{name}.source': {path} has a .cls file for each image, as "
            "shards of WebDataset have; set it to webdataset, and 'path' to the shard or their "
            "folder"
        )


def _report_empty(path: Path, folders: set[str], pictures: pd.Series) -> None:
    """Warn of folders without any image beneath them: a class that was meant to exist does not."""
    direct = {PurePosixPath(folder) for folder in set(map(posixpath.dirname, pictures))}
    full = {parent.as_posix() for folder in direct for parent in (folder, *folder.parents)}
    empty = sorted(folder for folder in folders - full if not leftover(folder))
    if empty:
        log.warning(
            "%s: %d folders hold no images and make no class, e.g. '%s'",
            path,
            len(empty),
            printable(empty[0]),
        )


def _levels(
    name: str, wanted: list[str], classes: list[str], *, file: str, table: pd.DataFrame
) -> dict[str, list[str]]:
    """Return per level the label of every image, coarse to fine; the class is the last level.

    Args:
        name: Of the dataset.
        wanted: Levels: a column of the class table, or ``<column>@<depth>`` where the column holds
            ancestors, separated by ``>``.
        classes: Of the images.
        file: The class table's, for errors.
        table: The class table, indexed by class.
    """
    missing = sorted(set(classes) - set(table.index))
    if missing:
        raise UserError(
            f"class table {file}: {len(missing)} classes of dataset '{name}' have no row, e.g. "
            f"'{missing[0]}'; add them, or empty 'levels'"
        )
    result = {}
    for level in wanted:
        column, _, depth = level.partition("@")
        if column not in table.columns:
            raise UserError(
                f"config key 'datasets.{name}.levels' names '{column}', which is no column of "
                f"{file}; its columns: {', '.join(table.columns)}"
            )
        if depth and not depth.isdigit():
            raise UserError(
                f"config key 'datasets.{name}.levels': '{level}' is not of the form column@depth "
                "with a whole number"
            )
        # A level has to be a partition of the classes: of several parents (`indoor|sports`) the
        # first counts.
        values = {key: parents.split("|")[0] for key, parents in table[column].items()}
        if depth:
            values = {key: _at_depth(ancestors, int(depth)) for key, ancestors in values.items()}
        result[level.replace("@", "_depth")] = [values[key] for key in classes]
    result.pop("class", None)  # the class is the finest level, wherever it was named
    return {**result, "class": classes}


def _at_depth(ancestors: str, depth: int) -> str:
    """Return the ancestor at a depth; a leaf that is less deep stays (Cole et al., section 4.4)."""
    steps = ancestors.split(">")
    return steps[min(depth, len(steps) - 1)]


def _class_table(
    name: str, definition: dict, raw_data: Path, *, tables: dict[str, bytes]
) -> tuple[str, pd.DataFrame]:
    """Return the name of the class table, for errors, and the table, indexed by class.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.
        tables: Contents of the .csv files of the dataset, by path; they are preferred.
    """
    path, wanted = raw_data / definition["path"], definition.get("classes", "classes.csv")
    inside = [key for key in tables if key == wanted or key.endswith("/" + wanted)]
    if inside:
        member = min(inside, key=len)
        file, content = f"{path}:{member}", tables[member]
    elif (raw_data / wanted).is_file():
        file, content = str(raw_data / wanted), (raw_data / wanted).read_bytes()
    else:
        raise UserError(
            f"config key 'datasets.{name}.classes': no class table '{wanted}' in {path} or in "
            f"{raw_data}; 'levels' needs one"
        )
    header, rows, _ = read_rows(f"class table {file}", content, separator=None, column=None)
    table = pd.DataFrame([map(composed, row) for _, row in rows], columns=header)
    first = table.columns[0]
    repeated = table[first][table[first].duplicated()]
    if len(repeated):
        raise UserError(
            f"class table {file}: class '{repeated.iloc[0]}' has more than one row; keep one"
        )
    return file, table.set_index(first, drop=False)

"""A directory or an archive of class folders: ``train/<class>/…`` and ``val/<class>/…``, or ``<class>/…`` with a seeded split.

One folder around all of it (as archives often have) is looked through. An optional class table (CSV) gives the ancestors of the classes.
"""

import io
import logging
import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import Manifest, text_column
from fourlenses.data.sources.common.image_files import (
    EXTENSIONS,
    TEST_SPLITS,
    find_pictures,
    seeded_split,
    stream_pictures,
    without_wrapping,
)

log = logging.getLogger(__name__)


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    tables: dict[str, bytes] = {}
    folders: set[str] = set()
    manifest = find_pictures(path, name, others=tables, folders=folders)
    if manifest.empty:
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds no images (files named {', '.join(sorted(EXTENSIONS))})"
        )
    _report_empty(path, folders, manifest["path"])
    parts, around = without_wrapping(manifest["path"])
    # without what lies around everything, so that an archive and the folder it was made of give the same subsets
    manifest["id"] = (
        text_column(file[around:] for file in manifest["path"]) if around else manifest["path"]
    )
    manifest["split"], classes = _split_and_class(name, definition, path, manifest, parts)
    for level, labels in _levels(name, definition, raw_data, path, tables, classes).items():
        manifest[f"level:{level}"] = text_column(labels)
    keep = manifest["split"].isin(["train", "test"])
    first = ["id", "path", "split", "width", "height"]
    return manifest.loc[
        keep, [*first, *[column for column in manifest if column not in first]]
    ].reset_index(drop=True)


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _report_empty(path: Path, folders: set[str], pictures: pd.Series) -> None:
    """Say which folders hold no image anywhere beneath them: a class that was meant to be there is not."""
    holding = {
        PurePosixPath(folder) for folder in {posixpath.dirname(picture) for picture in pictures}
    }
    full = {parent.as_posix() for folder in holding for parent in (folder, *folder.parents)}
    empty = sorted(folders - full)
    if empty:
        log.warning(
            "%s: %d folders hold no images and make no class, e.g. '%s'",
            path,
            len(empty),
            printable(empty[0]),
        )


def _split_and_class(
    name: str, definition: dict, path: Path, manifest: pd.DataFrame, parts: list[tuple]
) -> tuple[list[str], list[str]]:
    shallow = next(
        (member for member, part in zip(manifest["path"], parts, strict=True) if len(part) < 2),
        None,
    )
    if shallow:
        raise UserError(
            f"config key 'datasets.{name}.path': '{shallow}' in {path} lies in no class folder; "
            "expected <class>/<image> or train/<class>/<image>"
        )
    found = {part[0] for part in parts if len(part) >= 3} & {"train", *TEST_SPLITS}
    if "train" in found:
        return _given_split(name, definition, path, parts, found)
    misplaced = next((part for part in parts if {"train", *TEST_SPLITS} & set(part[:-1])), None)
    if misplaced:
        raise UserError(
            f"config key 'datasets.{name}.path': '{'/'.join(misplaced)}' in {path} lies in a folder named like a split, but there is no "
            "train/ at the top (beneath at most folders that hold everything); expected train/<class>/ and val/<class>/, or neither"
        )
    return seeded_split(list(manifest["id"]), definition), ["/".join(part[:-1]) for part in parts]


def _given_split(
    name: str, definition: dict, path: Path, parts: list[tuple], found: set[str]
) -> tuple[list[str], list[str]]:
    tests = sorted(found - {"train"})
    test = definition.get("test_split") or (tests[0] if len(tests) == 1 else None)
    if test is None or test not in found:
        raise UserError(
            f"config key 'datasets.{name}.test_split': {path} has the folders {', '.join(sorted(found))}; "
            f"set the key to the one that holds the test images ({', '.join(TEST_SPLITS)})"
        )
    outside = next((part for part in parts if len(part) < 3 or part[0] not in found), None)
    if outside:
        raise UserError(
            f"config key 'datasets.{name}.path': '{'/'.join(outside)}' in {path} lies beside train/ and {test}/, in neither"
        )
    names = {"train": "train", test: "test"}
    return [names.get(part[0], "unused") for part in parts], [
        "/".join(part[1:-1]) for part in parts
    ]


def _levels(
    name: str,
    definition: dict,
    raw_data: Path,
    path: Path,
    tables: dict[str, bytes],
    classes: list[str],
) -> dict[str, list[str]]:
    """The label columns, coarse to fine; the class itself is the last one."""
    wanted = definition.get("levels", [])
    if not wanted:
        return {"class": classes}
    file, table = _class_table(name, definition, raw_data, path, tables)
    missing = sorted(set(classes) - set(table.index))
    if missing:
        raise UserError(
            f"class table {file}: {len(missing)} classes of dataset '{name}' have no row, e.g. '{missing[0]}'; add them, or empty 'levels'"
        )
    result = {}
    for level in wanted:
        column, _, depth = level.partition("@")
        if column not in table.columns:
            raise UserError(
                f"config key 'datasets.{name}.levels' names '{column}', which is no column of {file}; "
                f"its columns: {', '.join(table.columns)}"
            )
        if depth and not depth.isdigit():
            raise UserError(
                f"config key 'datasets.{name}.levels': '{level}' is not of the form column@depth with a whole number"
            )
        # of several parents (`indoor|sports`) the first is kept: a level has to be a partition of the classes
        values = {name: parents.split("|")[0] for name, parents in table[column].items()}
        if depth:  # a leaf shallower than the depth asked for keeps its own label (Cole et al., section 4.4)
            values = {name: _at_depth(ancestors, int(depth)) for name, ancestors in values.items()}
        result[level.replace("@", "_depth")] = [values[name] for name in classes]
    result.pop("class", None)  # the class is the finest level, wherever it was named
    return {**result, "class": classes}


def _at_depth(ancestors: str, depth: int) -> str:
    steps = ancestors.split(">")
    return steps[min(depth, len(steps) - 1)]


def _class_table(
    name: str, definition: dict, raw_data: Path, path: Path, tables: dict[str, bytes]
) -> tuple[str, pd.DataFrame]:
    wanted = definition.get("classes", "classes.csv")
    inside = next(
        (
            member
            for member in sorted(tables, key=len)
            if member == wanted or member.endswith("/" + wanted)
        ),
        None,
    )
    if inside:
        file, content = f"{path}:{inside}", io.BytesIO(tables[inside])
    elif (raw_data / wanted).is_file():
        file, content = str(raw_data / wanted), raw_data / wanted
    else:
        raise UserError(
            f"config key 'datasets.{name}.classes': no class table '{wanted}' in {path} or in {raw_data}; 'levels' needs one"
        )
    try:
        table = pd.read_csv(content, dtype=str, keep_default_na=False)
    except ValueError as error:  # empty, not a table, or not UTF-8
        raise UserError(
            f"class table {file} cannot be read as comma-separated values in UTF-8: {error}"
        ) from error
    first = table.columns[0]
    if table[first].duplicated().any():
        raise UserError(
            f"class table {file}: class '{table[first][table[first].duplicated()].iloc[0]}' has more than one row; keep one"
        )
    return file, table.set_index(first, drop=False)

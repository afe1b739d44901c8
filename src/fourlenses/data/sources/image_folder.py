"""A directory or an archive of class folders: ``train/<class>/…`` and ``val/<class>/…``, or ``<class>/…`` with a seeded split.

One folder around all of it (as archives often have) is looked through. An optional class table (CSV) gives the ancestors of the classes.
"""

import io
import os
import posixpath
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pandas as pd
from PIL import Image

from fourlenses.data.archives import members
from fourlenses.data.manifest import Manifest
from fourlenses.data.turbojpeg import read_header
from fourlenses.errors import UserError
from fourlenses.randomness import named_seed, string_ids, uniform

EXTENSIONS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
TEST_SPLITS = ("val", "valid", "validation", "test")


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    rows, tables = [], {}
    for member, data in members(path, name):
        if posixpath.splitext(member)[1].lower() in EXTENSIONS:
            rows.append((member, *_size(data)))
        elif member.endswith(".csv"):
            tables[member] = data
    if not rows:
        raise UserError(f"config key 'datasets.{name}.path': {path} holds no images (files named {', '.join(sorted(EXTENSIONS))})")
    manifest = pd.DataFrame(rows, columns=["path", "width", "height"])
    del rows  # which hold every name a second time
    manifest["id"] = manifest["path"]
    splits, classes = _split_and_class(name, definition, path, manifest["path"])
    manifest["split"] = splits
    for level, labels in _levels(name, definition, raw_data, path, tables, classes).items():
        manifest[f"level:{level}"] = labels
    keep = manifest["split"].isin(["train", "test"])
    return manifest.loc[keep, ["id", "path", "split", "width", "height", *[c for c in manifest if c.startswith("level:")]]].reset_index(
        drop=True
    )


def images(name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int) -> Iterator[bytes | Callable[[], bytes]]:
    """Of a directory, functions that read a file: the threads that decode can read as well, which network file systems answer to."""
    if (raw_data / definition["path"]).is_dir():
        yield from (partial(_read, str(raw_data / definition["path"]), file) for file in manifest["path"])
        return
    wanted = iter(manifest["path"])
    expected = next(wanted, None)
    for member, data in members(raw_data / definition["path"], name):
        if member == expected:
            yield data
            expected = next(wanted, None)
    if expected is not None:
        raise UserError(f"{raw_data / definition['path']} no longer holds '{expected}', which it had when it was indexed; index it again")


def _read(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise UserError(
            f"{folder} no longer holds '{name}' ({error.strerror}), which it had when it was indexed; index it again"
        ) from error


def _size(data: bytes) -> tuple[int, int]:
    """Width and height from the header; (0, 0) for what cannot be opened: the conversion says why."""
    header = read_header(data)  # a tenth of the time that Pillow takes to open a file
    if header and header.plain:
        return header.width, header.height
    try:
        return Image.open(io.BytesIO(data)).size
    except Exception:
        return 0, 0


def _split_and_class(name: str, definition: dict, path: Path, paths: pd.Series) -> tuple[list[str], list[str]]:
    # millions of images lie in thousands of folders, whose parts they share
    folder_parts = cache(lambda folder: tuple(folder.split("/")) if folder else ())
    parts = [(*folder_parts(folder), file) for folder, file in map(posixpath.split, paths)]
    while any(len(part) >= 3 for part in parts) and len({part[0] for part in parts}) == 1 and parts[0][0] not in ("train", *TEST_SPLITS):
        parts = [part[1:] for part in parts]
    shallow = next((member for member, part in zip(paths, parts, strict=True) if len(part) < 2), None)
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
    fraction, seed = definition.get("test_fraction", 0.2), definition.get("seed", 0)
    draws = uniform(named_seed(seed, "split"), string_ids(list(paths)), draws=1)[:, 0]
    return ["test" if draw < fraction else "train" for draw in draws], ["/".join(part[:-1]) for part in parts]


def _given_split(name: str, definition: dict, path: Path, parts: list[tuple], found: set[str]) -> tuple[list[str], list[str]]:
    tests = sorted(found - {"train"})
    test = definition.get("test_split") or (tests[0] if len(tests) == 1 else None)
    if test is None or test not in found:
        raise UserError(
            f"config key 'datasets.{name}.test_split': {path} has the folders {', '.join(sorted(found))}; "
            f"set the key to the one that holds the test images ({', '.join(TEST_SPLITS)})"
        )
    outside = next((part for part in parts if len(part) < 3 or part[0] not in found), None)
    if outside:
        raise UserError(f"config key 'datasets.{name}.path': '{'/'.join(outside)}' in {path} lies beside train/ and {test}/, in neither")
    names = {"train": "train", test: "test"}
    return [names.get(part[0], "unused") for part in parts], ["/".join(part[1:-1]) for part in parts]


def _levels(name: str, definition: dict, raw_data: Path, path: Path, tables: dict[str, bytes], classes: list[str]) -> dict[str, list[str]]:
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
            raise UserError(f"config key 'datasets.{name}.levels': '{level}' is not of the form column@depth with a whole number")
        # of several parents (`indoor|sports`) the first is kept: a level has to be a partition of the classes
        values = [parents.split("|")[0] for parents in table.loc[classes, column]]
        # a leaf shallower than the depth asked for keeps its own label (Cole et al., section 4.4)
        result[level.replace("@", "_depth")] = [_at_depth(v, int(depth)) if depth else v for v in values]
    result.pop("class", None)  # the class is the finest level, wherever it was named
    return {**result, "class": classes}


def _at_depth(ancestors: str, depth: int) -> str:
    steps = ancestors.split(">")
    return steps[min(depth, len(steps) - 1)]


def _class_table(name: str, definition: dict, raw_data: Path, path: Path, tables: dict[str, bytes]) -> tuple[str, pd.DataFrame]:
    wanted = definition.get("classes", "classes.csv")
    inside = next((member for member in sorted(tables, key=len) if member == wanted or member.endswith("/" + wanted)), None)
    if inside:
        file, content = f"{path}:{inside}", io.BytesIO(tables[inside])
    elif (raw_data / wanted).is_file():
        file, content = str(raw_data / wanted), raw_data / wanted
    else:
        raise UserError(f"config key 'datasets.{name}.classes': no class table '{wanted}' in {path} or in {raw_data}; 'levels' needs one")
    try:
        table = pd.read_csv(content, dtype=str, keep_default_na=False)
    except ValueError as error:  # empty, not a table, or not UTF-8
        raise UserError(f"class table {file} cannot be read as comma-separated values in UTF-8: {error}") from error
    first = table.columns[0]
    if table[first].duplicated().any():
        raise UserError(f"class table {file}: class '{table[first][table[first].duplicated()].iloc[0]}' has more than one row; keep one")
    return file, table.set_index(first, drop=False)

"""Images listed in a CSV, or in two: one for train and one for test.

It has a column of paths, one of labels and, where there are any, one of splits and some of coarser
labels. The images lie in a directory or an archive; the CSV lies next to it or inside.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, did_you_mean, printable
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.image_files import stream_pictures

TEST_SPLITS = ("val", "valid", "validation", "test")
from fourlenses.data.sources.common.listed import join_pictures, read_lists


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    tables = []
    for split, file, content in read_lists(name, definition, raw_data, key="table"):
        tables.append(_table(name, definition, file, content=content, split=split))
    listed = pd.concat(tables, ignore_index=True)
    return join_pictures(name, definition, raw_data, listed=listed)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _table(
    name: str, definition: dict, file: str, *, content: bytes, split: str | None
) -> pd.DataFrame:
    """Return columns file, split (None: to be drawn) and the levels, coarse to fine.

    Rows of unused splits are left out.
    """
    separator = definition.get("separator", "\t" if file.endswith(".tsv") else ",")
    header, rows = _rows(file, content, separator)
    label = definition.get("label_column", "label")
    levels = [level for level in definition.get("levels", []) if level != label]
    columns = {"path_column": definition.get("path_column", "path"), "label_column": label}
    if split is None and "split_column" in definition:
        columns["split_column"] = definition["split_column"]
    for key, column in [*columns.items(), *(("levels", level) for level in levels)]:
        if column not in header:
            raise UserError(
                f"config key 'datasets.{name}.{key}': {file} has no column '{column}'"
                f"{did_you_mean(column, header)}; its columns: {', '.join(map(printable, header))}"
            )
    position = {column: header.index(column) for column in (*columns.values(), *levels)}
    path_position = position[columns["path_column"]]
    splits: list[str | None] = [split] * len(rows)
    if "split_column" in columns:
        values = [row[position[columns["split_column"]]] for _, row in rows]
        splits = [*_splits(name, definition, file, values=values)]
        used = [number for number, part in enumerate(splits) if part != "unused"]
        rows, splits = [rows[number] for number in used], [splits[number] for number in used]
    for line, row in rows:
        for column in (columns["path_column"], label, *levels):
            if not row[position[column]]:
                raise UserError(
                    f"{file}, line {line}: column '{column}' is empty; fill it in, or take the "
                    "line out"
                )
    pattern = definition.get("pattern", "{}")
    files = text_column(pattern.replace("{}", row[path_position]) for _, row in rows)
    table = pd.DataFrame({"file": files})
    table["split"] = text_column(splits)
    for level in levels:
        table[PREFIX + level] = text_column(row[position[level]] for _, row in rows)
    table[PREFIX + "class"] = text_column(row[position[label]] for _, row in rows)
    return table


def _rows(
    file: str, content: bytes, separator: str
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, and the line number and cells of every row.

    Bytes that are not UTF-8 stay, as in names of files.
    """
    reader = csv.reader(
        io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "surrogateescape", newline=""),
        delimiter=separator,
        strict=True,
    )
    try:
        header = next(reader, [])
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise UserError(
            f"{file}, line {reader.line_num}: not a table of values separated by {separator!r} "
            f"({error})"
        ) from error
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f"{file}, line {line}: {len(row)} cells, but the header has {len(header)}; quote "
                f"cells that hold {separator!r}, or set 'separator'"
            )
    if not rows:
        raise UserError(f"{file} lists nothing: it has no line after its header")
    return header, rows


def _splits(name: str, definition: dict, file: str, *, values: list[str]) -> list[str]:
    """Return train, test or unused for every value of the column of splits."""
    distinct = sorted(set(values))
    train = definition.get("train_split", "train")
    tests = [value for value in distinct if value.lower() in TEST_SPLITS]
    test = definition.get("test_split", tests[0] if len(tests) == 1 else None)
    for key, value in (("train_split", train), ("test_split", test)):
        if value not in distinct:
            raise UserError(
                f"config key 'datasets.{name}.{key}': column '{definition['split_column']}' of "
                f"{file} holds {', '.join(map(printable, distinct[:10]))}; set the key to the "
                f"value of the {key.removesuffix('_split')} images"
            )
    return [{train: "train", test: "test"}.get(value, "unused") for value in values]

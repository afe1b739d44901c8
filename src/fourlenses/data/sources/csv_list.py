"""Images listed in a CSV: a column of paths, one of labels, and where there are any, one of splits and some of coarser labels.

The images lie in a directory or an archive; the CSV lies beside it or inside. Two CSVs, one for train and one for test, are one also.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, did_you_mean, printable
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.image_files import TEST_SPLITS, stream_pictures
from fourlenses.data.sources.common.listed import join_pictures, read_lists


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    tables = []
    for split, file, content in read_lists(name, definition, "table", raw_data):
        tables.append(_table(name, definition, split, file, content))
    return join_pictures(name, definition, raw_data, pd.concat(tables, ignore_index=True))


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _table(
    name: str, definition: dict, split: str | None, file: str, content: bytes
) -> pd.DataFrame:
    """Columns file, split (None: to be drawn) and the levels, coarse to fine; rows of unused splits are left out."""
    header, rows = _rows(
        file, content, definition.get("separator", "\t" if file.endswith(".tsv") else ",")
    )
    label = definition.get("label_column", "label")
    levels = [level for level in definition.get("levels", []) if level != label]
    columns = {"path_column": definition.get("path_column", "path"), "label_column": label}
    if split is None and "split_column" in definition:
        columns["split_column"] = definition["split_column"]
    for key, column in [*columns.items(), *(("levels", level) for level in levels)]:
        if column not in header:
            raise UserError(
                f"config key 'datasets.{name}.{key}': {file} has no column '{column}'{did_you_mean(column, header)}; "
                f"its columns: {', '.join(map(printable, header))}"
            )
    at = {column: header.index(column) for column in (*columns.values(), *levels)}
    splits = [split] * len(rows)
    if "split_column" in columns:
        splits = _splits(
            name, definition, file, [row[at[columns["split_column"]]] for _, row in rows]
        )
    kept = [
        (line, row, its) for (line, row), its in zip(rows, splits, strict=True) if its != "unused"
    ]
    for line, row, _ in kept:
        empty = next(
            (column for column in (columns["path_column"], label, *levels) if not row[at[column]]),
            None,
        )
        if empty is not None:
            raise UserError(
                f"{file}, line {line}: column '{empty}' is empty; fill it in, or take the line out"
            )
    pattern = definition.get("pattern", "{}")
    table = pd.DataFrame(
        {
            "file": text_column(
                pattern.replace("{}", row[at[columns["path_column"]]]) for _, row, _ in kept
            )
        }
    )
    table["split"] = text_column(its for _, _, its in kept)
    for level in levels:
        table[PREFIX + level] = text_column(row[at[level]] for _, row, _ in kept)
    table[PREFIX + "class"] = text_column(row[at[label]] for _, row, _ in kept)
    return table


def _rows(
    file: str, content: bytes, separator: str
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the line number and cells of every row; bytes that are not UTF-8 are kept, as they are in names of files."""
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
            f"{file}, line {reader.line_num}: not a table of values separated by {separator!r} ({error})"
        ) from error
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f"{file}, line {line}: {len(row)} cells, but the header has {len(header)}; quote cells that hold {separator!r}, "
                "or set 'separator'"
            )
    if not rows:
        raise UserError(f"{file} lists nothing: it has no line after its header")
    return header, rows


def _splits(name: str, definition: dict, file: str, values: list[str]) -> list[str]:
    found = sorted(set(values))
    train = definition.get("train_split", "train")
    tests = [value for value in found if value.lower() in TEST_SPLITS]
    test = definition.get("test_split", tests[0] if len(tests) == 1 else None)
    for key, value in (("train_split", train), ("test_split", test)):
        if value not in found:
            raise UserError(
                f"config key 'datasets.{name}.{key}': column '{definition['split_column']}' of {file} holds "
                f"{', '.join(map(printable, found[:10]))}; set the key to the value of the {key.removesuffix('_split')} images"
            )
    return [{train: "train", test: "test"}.get(value, "unused") for value in values]

"""Images listed in a CSV, or in two: one for train and one for test.

It has a column of paths, one of labels and, where there are any, one of splits and some of coarser
labels. The images lie in a directory or an archive; the CSV lies next to it or inside.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, printable
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.delimited import no_column, position_of, read_rows
from fourlenses.data.sources.common.image_files import composed, stream_pictures
from fourlenses.data.sources.common.listed import join_pictures, read_lists
from fourlenses.data.sources.common.split_words import TEST, TRAIN, VALIDATION, split_of


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
    label = definition.get("label_column", "label")
    header, rows, _ = read_rows(
        file,
        content,
        separator=definition.get("separator", "\t" if file.endswith(".tsv") else None),
        column=definition.get("path_column", "path"),
    )
    levels = [level for level in definition.get("levels", []) if level != label]
    columns = {"path_column": definition.get("path_column", "path"), "label_column": label}
    if split is None and "split_column" in definition:
        columns["split_column"] = definition["split_column"]
    position: dict[str, int] = {}
    for key, column in [*columns.items(), *(("levels", level) for level in levels)]:
        at = position_of(column, header)
        if at is None:
            where = f"config key 'datasets.{name}.{key}'"
            raise no_column(where, file, column=column, header=header)
        position[column] = at
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
        table[PREFIX + level] = text_column(composed(row[position[level]]) for _, row in rows)
    table[PREFIX + "class"] = text_column(composed(row[position[label]]) for _, row in rows)
    return table


def _splits(name: str, definition: dict, file: str, *, values: list[str]) -> list[str]:
    """Return train, test or unused for every value of the column of splits."""
    distinct = sorted(set(values))
    train = definition.get("train_split") or _only(distinct, ("train",), (TRAIN,))
    tests = ("val", "valid", "validation", "test")
    test = definition.get("test_split") or _only(distinct, tests, (VALIDATION, TEST))
    for key, value in (("train_split", train), ("test_split", test)):
        if value not in distinct:
            raise UserError(
                f"config key 'datasets.{name}.{key}': column '{definition['split_column']}' of "
                f"{file} holds {', '.join(map(printable, distinct[:10]))}; set the key to the "
                f"value of the {key.removesuffix('_split')} images"
            )
    return [{train: "train", test: "test"}.get(value, "unused") for value in values]


def _only(values: list[str], words: tuple[str, ...], splits: tuple[str, ...]) -> str | None:
    """Return the only value that is one of some words, or else the only one of some splits."""
    for found in (
        [value for value in values if value.lower() in words],
        [value for value in values if split_of(value)[0] in splits],
    ):
        if found:
            return found[0] if len(found) == 1 else None
    return None

"""Images in Parquet files, as Hugging Face `datasets` exports them.

They have a column of image bytes and one or several of labels. The split is a word in a file's name
or folder: ``data/train-00000-of-00003.parquet``, ``default/test/0000.parquet``,
``birds-train.parquet``, ``train.parquet``. An index reads the label columns only, and images are
read a few at a time, so memory stays constant.
"""

import collections
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fourlenses.core.errors import UserError, did_you_mean
from fourlenses.core.patience import PASSING, open_patiently
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.image_files import seeded_split
from fourlenses.data.sources.common.split_files import choose_splits, split_files, split_in_path
from fourlenses.data.sources.common.split_words import TRAIN

log = logging.getLogger(__name__)
ROWS = 32  # read at once; 32 photographs are some megabytes


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    label = definition.get("label_column", "label")
    columns = [*(level for level in definition.get("levels", []) if level != label), label]
    files = split_files(name, path, ending=".parquet")
    words = {file: split_in_path(identity) for file, identity in files}
    unlabelled = _unlabelled(path, words, label=label) if "test_split" not in definition else set()
    split_of = choose_splits(name, definition, path, words=set(words.values()) - unlabelled)
    split_of |= dict.fromkeys(unlabelled, "unused")
    parts = []
    for file, identity in files:
        split = split_of[words[file]]
        if split == "unused":
            continue
        full_path = _full_path(path, file)
        with opened(full_path) as parquet:
            schema = parquet.schema_arrow
            _check_columns(name, definition, full_path, schema=schema, labels=columns)
            table = parquet.read(columns=columns, use_threads=False)
            ids = text_column(f"{identity}/{row}" for row in range(table.num_rows))
            part = pd.DataFrame({"id": ids})
            part["path"] = text_column(f"{file}/{row}" for row in range(table.num_rows))
            part["split"] = text_column([split] * table.num_rows)
            part["width"] = part["height"] = 0  # all images would have to be read once more
            for column in columns:
                level = PREFIX + ("class" if column == label else column)
                part[level] = text_column(_names(name, full_path, table, column=column))
            parts.append(part)
    manifest = pd.concat(parts, ignore_index=True)
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    return manifest


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[bytes | Undecodable]:
    path, column = raw_data / definition["path"], definition.get("image_column", "image")
    rows = collections.Counter(row.rpartition("/")[0] for row in manifest["path"])
    for file in rows:  # in the order in which they were indexed
        full_path = _full_path(path, file)
        with opened(full_path) as parquet:
            schema, num_rows = parquet.schema_arrow, parquet.metadata.num_rows
            _check_columns(name, definition, full_path, schema=schema, labels=[])
            if num_rows != rows[file]:
                raise UserError(
                    f"{full_path} has {num_rows} rows, {rows[file]} when it was indexed; index it "
                    "again"
                )
            for group in range(parquet.num_row_groups):
                for batch in parquet.iter_batches(
                    ROWS, row_groups=[group], columns=[column], use_threads=False
                ):
                    yield from map(_content, batch.column(0))


def files_of_splits(name: str, path: Path) -> Iterator[tuple[str | None, str, Path]]:
    """Yield of each file the split it is named after, its path below ``path``, and the full one."""
    for file, identity in split_files(name, path, ending=".parquet"):
        yield split_in_path(identity), file, _full_path(path, file)


def _full_path(path: Path, file: str) -> Path:
    return path / file if path.is_dir() else path


def _content(cell: pa.Scalar) -> bytes | Undecodable:
    value = cell.as_py()
    if isinstance(value, dict):
        if value.get("bytes") is None and value.get("path"):
            return Undecodable(
                f"no bytes in the Parquet file, only the path '{value['path']}'; export the "
                "dataset with its images embedded"
            )
        value = value.get("bytes")
    return Undecodable("no image in this row") if value is None else value


class opened:
    """A Parquet file, as a context manager. Damage is a UserError, whenever it shows.

    It is to be read by one thread: those of Arrow may wait for Python's file when the process ends.

    Raises:
        UserError: The file is not Parquet, or is damaged; also while it is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> pq.ParquetFile:
        try:
            # 1 MiB at a time instead of whole column chunks: a row group may hold gigabytes
            self.source = open_patiently(self.path)
            self.file = pq.ParquetFile(self.source, buffer_size=1 << 20, pre_buffer=False)
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, OSError) and error.errno in PASSING:
                raise  # the file is whole, its server does not answer
            raise self._damaged(error) from error
        return self.file

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        self.file.close()
        self.source.close()
        # pyarrow's OSErrors have no errno; that of a full disk, from the code in the block, has
        by_pyarrow = isinstance(error, OSError) and error.errno is None
        if isinstance(error, Exception) and (by_pyarrow or isinstance(error, pa.ArrowInvalid)):
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> UserError:
        return UserError(f"{self.path} cannot be read as Parquet ({error}); fetch it again")


def _unlabelled(path: Path, words: dict[str, str | None], *, label: str) -> set[str | None]:
    """Return the splits but train whose labels are all missing: they are published with -1.

    Args:
        path: Of the dataset.
        words: Split by file.
        label: The label column.
    """
    labelled = set()
    for file, word in words.items():
        if word in (TRAIN, None) or word in labelled:
            continue
        with opened(_full_path(path, file)) as parquet:
            if label not in parquet.schema_arrow.names:
                labelled.add(word)  # for the error that says so
                continue
            kind = parquet.schema_arrow.field(label).type
            values = set() if pa.types.is_nested(kind) else _distinct(parquet, label)
            if not values or values - {None, "", -1}:
                labelled.add(word)
    unlabelled = set(words.values()) - labelled - {TRAIN, None}
    if unlabelled and TRAIN in words.values():
        log.warning("%s: no labels in %s: not used", path, ", ".join(sorted(map(str, unlabelled))))
        return unlabelled
    return set()


def _distinct(parquet: pq.ParquetFile, column: str) -> set:
    return set(parquet.read(columns=[column], use_threads=False).column(0).unique().to_pylist())


def _check_columns(
    name: str, definition: dict, file: Path, *, schema: pa.Schema, labels: list[str]
) -> None:
    """Check that a file has a column of image bytes and the label columns, the class last."""
    image = definition.get("image_column", "image")
    keys = {
        image: "image_column",
        **dict.fromkeys(labels[:-1], "levels"),
        **dict.fromkeys(labels[-1:], "label_column"),
    }
    for column, key in keys.items():
        if column not in schema.names:
            raise UserError(
                f"config key 'datasets.{name}.{key}': {file} has no column '{column}'"
                f"{did_you_mean(column, schema.names)}; its columns: {', '.join(schema.names)}"
            )
    kind = schema.field(image).type
    is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    inner = kind.field("bytes").type if is_struct else kind
    if not (pa.types.is_binary(inner) or pa.types.is_large_binary(inner)):
        raise UserError(
            f"config key 'datasets.{name}.image_column': column '{image}' of {file} is {kind}, not "
            "the bytes of image files"
        )


def _names(name: str, file: Path, table: pa.Table, *, column: str) -> list[str]:
    """Return the label names of a column.

    Text stays as it is. Numbers are named by the ClassLabel that `datasets` writes into the schema;
    where there is none, the number is the name.
    """
    kind = table.schema.field(column).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    values = table.column(column).to_pylist()
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (pa.types.is_integer(kind) or is_text):
        raise UserError(
            f"dataset '{name}': column '{column}' of {file} is {kind}; a label is a whole number "
            "or a text"
        )
    names = _class_names(table.schema.metadata or {}, column)
    for row, value in enumerate(values):
        if value in (None, "", -1) or (names and not 0 <= value < len(names)):
            raise UserError(
                f"{file}, row {row}: '{column}' is {value!r}, which is no label (unlabelled images "
                f"are published with -1); set 'datasets.{name}.test_split' to a split with labels, "
                "or take the row out"
            )
    return [names[value] if names else str(value) for value in values]


def _class_names(metadata: dict[bytes, bytes], column: str) -> list[str] | None:
    """Return the names of a ClassLabel that `datasets` describes, None where it describes none."""
    try:
        description = json.loads(metadata.get(b"huggingface", b"{}"))
        names = description["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError):  # absent, or damaged
        return None
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if is_list else None

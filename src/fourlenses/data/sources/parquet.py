"""Images in Parquet files, as Hugging Face `datasets` exports them: a column of image bytes and one or several of labels.

``data/train-00000-of-00003.parquet``, ``default/test/0000.parquet``, ``birds-train.parquet``, ``train.parquet``: the split is the word in
a file's name or folder. Only label columns are read to index them, and images a few at a time, so memory stays constant.
"""

import collections
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fourlenses.core.errors import UserError, did_you_mean
from fourlenses.data.archives.dataset_files import file_names
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.image_files import seeded_split

# https://huggingface.co/docs/hub/datasets-file-names-and-splits: words that name a split, between characters that are no letters
WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
ROWS = 32  # read at once; 32 photographs are some megabytes


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    label = definition.get("label_column", "label")
    columns = [*(level for level in definition.get("levels", []) if level != label), label]
    files, splits = _files(name, path), {}
    for file, identity in files:
        splits[file] = _split_of(identity)
    chosen = _choose(name, definition, path, set(splits.values()))
    parts = []
    for file, identity in files:
        split = chosen.get(splits[file])
        if split == "unused":
            continue
        place = _place(path, file)
        with _opened(place) as parquet:
            _check_columns(name, definition, place, parquet.schema_arrow, columns)
            table = parquet.read(columns=columns)
            part = pd.DataFrame(
                {"id": text_column(f"{identity}/{row}" for row in range(table.num_rows))}
            )
            part["path"] = text_column(f"{file}/{row}" for row in range(table.num_rows))
            part["split"] = text_column([split] * table.num_rows)
            part["width"] = part["height"] = (
                0  # to know them all images would have to be read once more
            )
            for column in columns:
                level = PREFIX + ("class" if column == label else column)
                part[level] = text_column(_names(name, place, table, column))
            parts.append(part)
    manifest = pd.concat(parts, ignore_index=True)
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    return manifest


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[bytes | Undecodable]:
    path, column = raw_data / definition["path"], definition.get("image_column", "image")
    rows = collections.Counter(row.rpartition("/")[0] for row in manifest["path"])
    for file in rows:  # in the order in which they were indexed
        place = _place(path, file)
        with _opened(place) as parquet:
            _check_columns(name, definition, place, parquet.schema_arrow, [])
            if parquet.metadata.num_rows != rows[file]:
                raise UserError(
                    f"{place} has {parquet.metadata.num_rows} rows, {rows[file]} when it was indexed; index it again"
                )
            for group in range(parquet.num_row_groups):
                for batch in parquet.iter_batches(ROWS, row_groups=[group], columns=[column]):
                    yield from map(_content, batch.column(0))


def _place(path: Path, file: str) -> Path:
    return path / file if path.is_dir() else path


def _content(cell: pa.Scalar) -> bytes | Undecodable:
    value = cell.as_py()
    if isinstance(value, dict):
        if value.get("bytes") is None and value.get("path"):
            return Undecodable(
                f"no bytes in the Parquet file, only the path '{value['path']}'; export the dataset with its images embedded"
            )
        value = value.get("bytes")
    return Undecodable("no image in this row") if value is None else value


class _opened:
    """A Parquet file; what is wrong with it as a sentence, whenever that shows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> pq.ParquetFile:
        try:
            # a stream of 1 MiB at a time instead of whole column chunks: a row group may hold gigabytes of images
            self.file = pq.ParquetFile(self.path, buffer_size=1 << 20, pre_buffer=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error
        return self.file

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        self.file.close()
        # pyarrow's own OSErrors have no errno; those of a full disk, raised by whoever takes the images, do
        if isinstance(error, pa.ArrowInvalid) or (
            isinstance(error, OSError) and error.errno is None
        ):
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> UserError:
        return UserError(f"{self.path} cannot be read as Parquet ({error}); fetch it again")


def _files(name: str, path: Path) -> list[tuple[str, str]]:
    """``(file below path, identity)``, sorted; the identity leaves out the folders around all files, so that a dataset keeps its ids
    whether ``path`` points at its top or at the folder of its files."""
    if path.is_file():
        found = [path.name]
    elif path.is_dir():
        found = [file for file in file_names(path, name) if file.endswith(".parquet")]
    else:
        raise UserError(
            f"config key 'datasets.{name}.path': there is no file or directory {path}; put it there, or correct the key"
        )
    if not found:
        raise UserError(f"config key 'datasets.{name}.path': {path} holds no .parquet files")
    parts = [PurePosixPath(file).parts for file in found]
    while (
        all(len(part) > 1 for part in parts)
        and len({part[0] for part in parts}) == 1
        and parts[0][0] not in WORDS
    ):
        parts = [part[1:] for part in parts]
    return [
        (file, "/".join(part).removesuffix(".parquet"))
        for file, part in zip(found, parts, strict=True)
    ]


def _split_of(identity: str) -> str | None:
    """The split that a file's name, or failing that a folder's, is a word for; None where there is none."""
    for part in reversed(identity.split("/")):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in WORDS:
                return WORDS[word]
    return None


def _choose(
    name: str, definition: dict, path: Path, found: set[str | None]
) -> dict[str | None, str | None]:
    """Which of the splits found is used as what: train, test or unused; None is to be drawn."""
    if len(found) == 1:  # one split, or none named: test images are drawn from it
        return {next(iter(found)): None}
    tests = sorted(found - {"train", None})
    test = definition.get("test_split") or (tests[0] if len(tests) == 1 else None)
    if "train" not in found or None in found or test not in tests:
        raise UserError(
            f"config key 'datasets.{name}.test_split': the files of {path} are of the splits {', '.join(sorted(map(str, found)))}; "
            "expected train and others, of which the key names the one that holds the test images"
        )
    return {split: {"train": "train", test: "test"}.get(split, "unused") for split in found}


def _check_columns(
    name: str, definition: dict, file: Path, schema: pa.Schema, labels: list[str]
) -> None:
    image = definition.get("image_column", "image")
    keys = {
        image: "image_column",
        **dict.fromkeys(labels[:-1], "levels"),
        **dict.fromkeys(labels[-1:], "label_column"),
    }
    for column, key in keys.items():
        if column not in schema.names:
            raise UserError(
                f"config key 'datasets.{name}.{key}': {file} has no column '{column}'{did_you_mean(column, schema.names)}; "
                f"its columns: {', '.join(schema.names)}"
            )
    kind = schema.field(image).type
    inner = (
        kind.field("bytes").type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        else kind
    )
    if not (pa.types.is_binary(inner) or pa.types.is_large_binary(inner)):
        raise UserError(
            f"config key 'datasets.{name}.image_column': column '{image}' of {file} is {kind}, not the bytes of image files"
        )


def _names(name: str, file: Path, table: pa.Table, column: str) -> list[str]:
    """Label names: text as it is, numbers by the ClassLabel names that `datasets` leaves in the schema, or as numbers where it does not."""
    kind = table.schema.field(column).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    values = table.column(column).to_pylist()
    if not (
        pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    ):
        raise UserError(
            f"dataset '{name}': column '{column}' of {file} is {kind}; a label is a whole number or a text"
        )
    features = (
        json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        .get("info", {})
        .get("features", {})
    )
    names = (
        features.get(column, {}).get("names") if isinstance(features.get(column), dict) else None
    )
    wrong = next(
        (
            row
            for row, value in enumerate(values)
            if value in (None, "", -1) or (names and not 0 <= value < len(names))
        ),
        None,
    )
    if wrong is not None:
        raise UserError(
            f"{file}, row {wrong}: '{column}' is {values[wrong]!r}, which is no label (unlabelled images are published with -1); "
            f"set 'datasets.{name}.test_split' to a split with labels, or take the row out"
        )
    return [names[value] if names else str(value) for value in values]

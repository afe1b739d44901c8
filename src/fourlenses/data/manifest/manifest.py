"""The manifest: one row per image of a dataset.

Everything downstream reads it without knowing where the images came from. Columns: ``id`` (unique,
stable), ``path`` (by which the source finds the image), ``split`` (train or test), ``width``,
``height`` (pixels, 0 where only drawing or decoding would tell), and a ``level:<name>`` column per
label level, coarse to fine. The last level is the class.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic
from fourlenses.core.patience import open_patiently
from fourlenses.study.datasets import UNLABELLED

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "level:"
# Columns by name: a DataFrame in the job that makes the manifest, a `ManifestFile` in those that
# read it: these do without pandas, which takes a second to import.
Manifest = Mapping[str, Sequence]


class Column(Sequence):
    """A column in Arrow's memory.

    Its values become Python objects a few at a time, so that millions of names stay small.

    Args:
        values: An Arrow array or chunked array, or any sequence of values.
    """

    BATCH = 1 << 16

    def __init__(self, values: Any) -> None:
        import pyarrow

        if not isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)):
            try:
                values = pyarrow.array(values)
            except UnicodeEncodeError:
                # names of files that are not UTF-8: Arrow keeps them as bytes only
                values = pyarrow.array(map(_bytes, values))
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: Any) -> Any:
        return _text(self.values[int(row)].as_py())

    def __iter__(self) -> Iterator:
        for start in range(0, len(self), self.BATCH):
            yield from map(_text, self.values.slice(start, self.BATCH).to_pylist())

    def is_in(self, wanted: set[str]) -> np.ndarray:
        """Return bool (rows,): whether the value is among some names."""
        import pyarrow.compute

        kind = self.values.type
        names = sorted(map(_bytes, wanted) if pyarrow.types.is_binary(kind) else wanted)
        return np.asarray(pyarrow.compute.is_in(self.values, pyarrow.array(names, kind)))

    def codes(self) -> tuple[np.ndarray, list]:
        """Return int64 (rows,), and the distinct values that they number, sorted."""
        import pyarrow

        encoded = (
            self.values
            if pyarrow.types.is_dictionary(self.values.type)
            else self.values.dictionary_encode()
        )
        if isinstance(encoded, pyarrow.ChunkedArray):
            encoded = encoded.unify_dictionaries().combine_chunks()
            # of no chunks, or of too many values for a single one
            if isinstance(encoded, pyarrow.ChunkedArray):
                encoded = (
                    pyarrow.concat_arrays(encoded.chunks)
                    if encoded.num_chunks
                    else pyarrow.array([], "string").dictionary_encode()
                )
        values = [_text(value) for value in encoded.dictionary.to_pylist()]
        # a dictionary may hold what no row has, and the same value twice
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        names = sorted({values[code] for code in np.unique(indices)})
        number = {name: position for position, name in enumerate(names)}
        renumbered = np.array([number.get(name, -1) for name in values], np.int64)
        return renumbered[indices], names


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _text(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


# Arrow's threads that read from a file of Python's may still wait for it when the process ends,
# which then aborts (exit 134) or hangs: it happened once in some hundred jobs. See
# https://github.com/apache/arrow/issues/34314 and https://github.com/apache/arrow/issues/50482.
ONE_THREAD = {"use_threads": False, "pre_buffer": False}


class ManifestFile(Mapping):
    """A manifest on disk; a column is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet

        self._path = path
        self._columns: dict[str, Column] = {}
        # pyarrow takes no paths that are not UTF-8, and waits for no file server
        with open_patiently(path) as file:
            schema = pyarrow.parquet.read_schema(file)
        self._names = schema.names
        # what pandas keeps there of the DataFrame that was written
        self.attrs: dict = json.loads((schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))

    def __getitem__(self, name: str) -> Column:
        import pyarrow.parquet

        if name not in self._names:
            raise KeyError(name)
        if name not in self._columns:
            # labels repeat: as numbers of a dictionary they take 4 bytes a row
            repeats = [name] if name == "split" or name.startswith(PREFIX) else []
            with open_patiently(self._path) as file:
                table = pyarrow.parquet.read_table(
                    file, columns=[name], read_dictionary=repeats, **ONE_THREAD
                )
            self._columns[name] = Column(table.column(0))
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def column(manifest: Manifest, name: str) -> Column:
    """Return a column of either kind of manifest."""
    values = manifest[name]
    return values if isinstance(values, Column) else Column(values)


@dataclass(frozen=True)
class Hierarchy:
    """The label levels of a dataset, coarse to fine.

    Attributes:
        names: Of the levels.
        classes: Per level, the sorted label names.
        table: int64 (finest classes, levels), the label of each finest class at every level; its
            last column counts 0, 1, 2, …
    """

    names: list[str]
    classes: list[list[str]]
    table: np.ndarray

    @property
    def num_classes(self) -> int:
        return len(self.classes[-1])


def text_column(values: Iterable[str | None]) -> "pd.Series":
    """Return a column of text; None becomes NaN.

    It takes little memory, unless it holds names that are not UTF-8 (surrogateescape), which the
    text columns of pandas do not take.
    """
    import pandas as pd

    values = values if isinstance(values, list) else list(values)
    try:
        return pd.Series(values, dtype="str")
    except UnicodeEncodeError:
        return pd.Series(values, dtype=object)


def write_manifest(manifest: "pd.DataFrame", path: Path) -> None:
    """Check and write a manifest atomically.

    Raises:
        UserError: No training or no test images (but for images without labels), or the same id
            twice.
    """
    for split in ("train",) if without_labels(manifest) else ("train", "test"):
        if not (manifest["split"] == split).any():
            splits = ", ".join(sorted(manifest["split"].unique()))
            raise UserError(
                f"{path}: no {split} images were found; splits found: {splits or 'none'}"
            )
    twice = manifest["id"][manifest["id"].duplicated()]
    if len(twice):
        raise UserError(
            f"{path}: {len(twice)} images have an id that another has too, e.g. '{twice.iloc[0]}'"
        )
    hierarchy_of(manifest)
    odd = {name: manifest[name].map(_bytes) for name in manifest if _is_odd(manifest[name])}
    with atomic(path) as temporary:
        manifest.assign(**odd).to_parquet(temporary, index=False)


def without_labels(manifest: Manifest) -> bool:
    """Return whether all images carry the one label of those that have none."""
    levels = [name for name in manifest if name.startswith(PREFIX)]
    return len(levels) == 1 and column(manifest, levels[0]).codes()[1] == [UNLABELLED]


def _is_odd(values: "pd.Series") -> bool:
    """Return whether some name is not UTF-8: Parquet keeps such text as bytes only."""
    if values.dtype != object:  # the other types hold no such text
        return False
    try:
        for start in range(0, len(values), Column.BATCH):
            batch = values.iloc[start : start + Column.BATCH]
            "".join(value for value in batch if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return True
    return False


def read_manifest(path: Path) -> ManifestFile:
    return ManifestFile(path)


def one_sided(manifest: Manifest) -> dict[str, list[str]]:
    """Return per split the sorted classes that only it has.

    A class without test images is learned but never scored; the images of a class without training
    images are scored as wrong, as nothing can have learned their label.
    """
    labels, names = column(
        manifest, [name for name in manifest if name.startswith(PREFIX)][-1]
    ).codes()
    of = {split: set(labels[rows_of(manifest, split)]) for split in ("train", "test")}
    return {
        here: [names[label] for label in sorted(of[here] - of[there])]
        for here, there in (("train", "test"), ("test", "train"))
    }


def rows_of(manifest: Manifest, split: str) -> np.ndarray:
    """Return the rows of a split, int64 ascending."""
    codes, names = column(manifest, "split").codes()
    return np.flatnonzero(codes == names.index(split)) if split in names else np.empty(0, np.int64)


def hierarchy_of(manifest: Manifest) -> Hierarchy:
    """Return the label levels of a manifest.

    Raises:
        UserError: A class has two different ancestors at one level.
    """
    levels = [name for name in manifest if name.startswith(PREFIX)]
    codes, classes = zip(*(column(manifest, level).codes() for level in levels), strict=True)
    finest = codes[-1]
    row_of = np.empty(len(classes[-1]), np.int64)  # some row of each class
    row_of[finest[::-1]] = np.arange(len(finest))[::-1]  # the first one: the last assignment stays
    table = np.stack([level[row_of] for level in codes], axis=1)
    other = np.zeros(len(finest), bool)
    for level, ancestors in zip(codes, table.T, strict=True):
        other |= level != ancestors[finest]
    if other.any():
        row = np.flatnonzero(other)[np.argmin(finest[other])]
        one, two = (
            [names[level[at]] for level, names in zip(codes, classes, strict=True)]
            for at in (row_of[finest[row]], row)
        )
        raise UserError(
            f"class '{one[-1]}' has more than one set of ancestors: {one[:-1]} and {two[:-1]}"
        )
    return Hierarchy([level.removeprefix(PREFIX) for level in levels], list(classes), table)


def labels_of(manifest: Manifest) -> np.ndarray:
    """Return the finest label of every row: int64 (rows,), counting the sorted class names."""
    return column(manifest, [name for name in manifest if name.startswith(PREFIX)][-1]).codes()[0]

"""Published datasets of one or two archives, or of the folders that these were extracted to."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import StoredFile, walk
from fourlenses.data.archives.kinds import is_archive
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.manifest.manifest import PREFIX, text_column


def find(dataset: str, folder: Path, *, names: Sequence[str], kind: str) -> Path:
    """Return the first of some names that is in the dataset's folder.

    Args:
        dataset: Its name, for errors.
        folder: The dataset's.
        names: Of files and folders, the preferred one first.
        kind: Of images that they hold, for errors.

    Raises:
        UserError: None of them exists.
    """
    existing = next((folder / name for name in names if (folder / name).exists()), None)
    if existing is None and folder.is_dir():  # in other capitals
        there = {path.name.lower(): path for path in sorted(folder.iterdir())}
        existing = next((there[name] for name in names if name in there), None)
    if existing is None:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {folder} holds no {kind}; expected one of "
            f"{', '.join(names)}; put it there, correct the key, or point 'raw_data' at the folder "
            "that the path starts from"
        )
    return existing


def files(
    part: Path,
    dataset: str,
    *,
    suffix: str | tuple[str, ...],
    md5: str | None = None,
    nested: bool = False,
) -> Iterator[tuple[str, StoredFile]]:
    """Yield ``(path, file)`` of the files of an archive, in its order, or of a folder, sorted.

    A progress bar is shown.

    Args:
        part: The archive or folder. A path begins with its name.
        dataset: Its name, for errors.
        suffix: Ending of the files, or several, lower case. What systems leave behind is skipped.
        md5: As in `archives.members`.
        nested: As in `archives.members`; the class tars of a folder are opened too.

    Raises:
        UserError: There are no such files.
    """
    enter = _into_tars if nested else None
    empty = True
    for name, file in walk(part, dataset, enter=enter, md5=md5, nested=nested, progress=True):
        if name.lower().endswith(suffix) and not leftover(name):
            empty = False
            yield f"{part.name}/{name}", file
    if empty:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {part} holds no images (files named "
            f"{suffix if isinstance(suffix, str) else ', '.join(suffix)})"
        )


def _into_tars(name: str) -> bool:
    return name.lower().endswith(".tar") or not is_archive(name)


class Rows:
    """The rows of a manifest while they are gathered.

    An index may have 2.8 million of them: columns of numbers, not a dictionary per row.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.paths: list[str] = []
        self.is_test, self.classes = array("b"), array("i")
        self.widths, self.heights = array("i"), array("i")
        self.numbers: dict[str, int] = {}  # of the class names

    def add(
        self, path: str, *, identity: str, split: str, class_name: str, size: tuple[int, int]
    ) -> None:
        """Add an image.

        Args:
            path: Of its file.
            identity: Its id.
            split: train or test.
            class_name: Of its class folder.
            size: Width and height, px.
        """
        # the same string object for both where they are equal
        self.ids.append(path if identity == path else identity)
        self.paths.append(path)
        self.is_test.append(split == "test")
        self.classes.append(self.numbers.setdefault(class_name, len(self.numbers)))
        self.widths.append(size[0])
        self.heights.append(size[1])

    def counts(self) -> dict[str, int]:
        """Return the number of images per split."""
        tests = int(np.sum(self.is_test, dtype=np.int64))
        return {"train": len(self.is_test) - tests, "test": tests}

    def check_splits(self, dataset: str, train: Path, test: Path) -> None:
        """Check that every class has images in both splits.

        Raises:
            UserError: A class could not be tested, or not be learned.
        """
        tests, classes = np.array(self.is_test, bool), np.array(self.classes)
        numbers = {train: set(classes[~tests]), test: set(classes[tests])}
        for full, lacking in ((train, test), (test, train)):
            only = numbers[full] - numbers[lacking]
            missing = sorted(name for name, number in self.numbers.items() if number in only)
            if missing:
                raise UserError(
                    f"dataset '{dataset}': {len(missing)} classes of {full} have no image in "
                    f"{lacking}, e.g. '{missing[0]}'; complete {lacking}, or take the classes out "
                    f"of {full}"
                )

    def frame(self, levels: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
        """Return the manifest. To be called once: the ids and paths move into it.

        Args:
            levels: Coarse to fine, per level the label of every class name.
        """
        # two copies of 2.8 million names, as Python and as pandas holds them, are a gigabyte more
        ids, self.ids = text_column(self.ids), []
        paths, self.paths = text_column(self.paths), []
        columns = {
            "id": ids,
            "path": paths,
            "split": pd.Categorical.from_codes(np.array(self.is_test), ["train", "test"]),
            "width": np.array(self.widths),
            "height": np.array(self.heights),
        }
        classes = np.array(self.classes)
        for level, label_of in levels.items():
            labels = [label_of[name] for name in self.numbers]
            known = {label: number for number, label in enumerate(sorted(set(labels)))}
            codes = np.array([known[label] for label in labels], np.int32)
            columns[PREFIX + level] = pd.Categorical.from_codes(codes[classes], list(known))
        return pd.DataFrame(columns)

"""What the sources of published datasets share: each is one or two archives, or the folders that these were extracted to."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.archives import SUFFIXES
from fourlenses.data.archives.dataset_files import StoredFile, walk
from fourlenses.data.manifest.manifest import PREFIX, text_column


def find(dataset: str, folder: Path, names: Sequence[str], what: str) -> Path:
    """The first of ``names`` that is in the dataset's folder."""
    found = next((folder / name for name in names if (folder / name).exists()), None)
    if found is None:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {folder} holds no {what}; expected one of {', '.join(names)}; "
            "put it there, correct the key, or point 'raw_data' at the folder that the path starts from"
        )
    return found


def files(
    part: Path, dataset: str, suffix: str, md5: str | None = None, nested: bool = False
) -> Iterator[tuple[str, StoredFile]]:
    """``(path, file)`` of the visible files named so, with a progress bar: an archive in its own order, a folder in sorted order.

    A path begins with the part's name. md5 and nested are as in `tar_members`; a folder's class tars are opened too.
    """
    empty = True
    for name, file in walk(
        part, dataset, enter=_into_tars if nested else None, md5=md5, nested=nested, progress=True
    ):
        if name.lower().endswith(suffix) and not name.rpartition("/")[2].startswith("."):
            empty = False
            yield f"{part.name}/{name}", file
    if empty:
        raise UserError(
            f"config key 'datasets.{dataset}.path': {part} holds no images (files named {suffix})"
        )


def _into_tars(name: str) -> bool:
    return name.endswith(".tar") or not name.endswith(SUFFIXES)


class Rows:
    """The rows of a manifest while they are gathered. Columns of numbers, not a dictionary per row: an index may have 2.8 million."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.paths: list[str] = []
        self.splits, self.classes, self.widths, self.heights = (
            array("b"),
            array("i"),
            array("i"),
            array("i"),
        )
        self.numbers: dict[str, int] = {}

    def add(self, split: str, identity: str, path: str, name: str, size: tuple[int, int]) -> None:
        """One image of class ``name``."""
        self.ids.append(
            path if identity == path else identity
        )  # one string for both where they are equal
        self.paths.append(path)
        self.splits.append(split == "test")
        self.classes.append(self.numbers.setdefault(name, len(self.numbers)))
        self.widths.append(size[0])
        self.heights.append(size[1])

    def counts(self) -> dict[str, int]:
        tests = int(np.sum(self.splits, dtype=np.int64))
        return {"train": len(self.splits) - tests, "test": tests}

    def check_splits(self, dataset: str, train: Path, test: Path) -> None:
        """Raise where a class has images on one side only: it could not be tested, or not be learnt."""
        tests, classes = np.array(self.splits, bool), np.array(self.classes)
        sides = {train: set(classes[~tests]), test: set(classes[tests])}
        for there, lacking in ((train, test), (test, train)):
            missing = sorted(
                name
                for name, number in self.numbers.items()
                if number in sides[there] - sides[lacking]
            )
            if missing:
                raise UserError(
                    f"dataset '{dataset}': {len(missing)} classes of {there} have no image in {lacking}, e.g. '{missing[0]}'; "
                    f"complete {lacking}, or take the classes out of {there}"
                )

    def frame(self, levels: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
        """The manifest. levels: coarse to fine, per level the label of every class. The rows' names move into it: to be called once."""
        # of 2.8 million names two copies, as Python has them and as pandas has, are a gigabyte more than one
        ids, self.ids = text_column(self.ids), []
        paths, self.paths = text_column(self.paths), []
        columns = {
            "id": ids,
            "path": paths,
            "split": pd.Categorical.from_codes(np.array(self.splits), ["train", "test"]),
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

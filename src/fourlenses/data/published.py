"""What the sources of published datasets share: each is one or two archives, or the folders that these were extracted to."""

import io
import os
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from fourlenses.data.archives import guarded
from fourlenses.data.manifest import PREFIX, Manifest
from fourlenses.data.tar_stream import tar_members
from fourlenses.errors import UserError

Content = bytes | Path  # of a file: inside an archive what it holds, in a folder where it lies (an index reads only its header)


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
    part: Path, dataset: str, suffix: str, md5: str | None = None, nested: bool = False, progress: bool = False
) -> Iterator[tuple[str, Content]]:
    """``(path, content)`` of the visible files named so: an archive in its own order, a folder in sorted order.

    A path begins with the part's name. md5, nested and progress are as in `tar_members`; a folder's class tars are opened too.
    """
    if part.is_dir():
        inside = tqdm(_walk(part, dataset, nested), desc=part.name, unit="file", file=sys.stderr, mininterval=10, disable=not progress)
    else:
        inside = guarded(tar_members(part, dataset, md5, nested, progress), part, dataset)
    empty = True
    for name, content in inside:
        if name.lower().endswith(suffix) and not name.rpartition("/")[2].startswith("."):
            empty = False
            yield f"{part.name}/{name}", content
    if empty:
        raise UserError(f"config key 'datasets.{dataset}.path': {part} holds no images (files named {suffix})")


def _walk(folder: Path, dataset: str, nested: bool) -> Iterator[tuple[str, Content]]:
    for place, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(names):
            file = Path(place, name)
            inside = file.relative_to(folder).as_posix()
            if nested and name.endswith(".tar"):
                for member, content in guarded(tar_members(file, dataset), file, dataset):
                    yield f"{inside}/{member}", content
            else:
                yield inside, file


def size_of(content: Content) -> tuple[int, int]:
    """Width and height from the header; (0, 0) for what cannot be opened: the conversion says why."""
    try:
        with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
            return image.size
    except Exception:
        return 0, 0


def in_order(found: Iterable[tuple[str, Content]], manifest: Manifest, dataset: str) -> Iterator[bytes]:
    """The bytes of the manifest's images, which come among ``found`` in the same order."""
    wanted = iter(manifest["path"])
    expected = next(wanted, None)
    for path, content in found:
        if path == expected:
            try:
                yield content if isinstance(content, bytes) else content.read_bytes()
            except OSError as error:
                raise UserError(f"config key 'datasets.{dataset}.path': {content} cannot be read ({error.strerror})") from error
            expected = next(wanted, None)
    if expected is not None:
        raise UserError(
            f"config key 'datasets.{dataset}.path': '{expected}' is no longer where it was when the dataset was indexed; "
            f"put it back, or delete data/{dataset}/manifest.parquet to index again"
        )


class Rows:
    """The rows of a manifest while they are gathered. Columns of numbers, not a dictionary per row: an index may have 2.8 million."""

    def __init__(self):
        self.ids: list[str] = []
        self.paths: list[str] = []
        self.splits, self.classes, self.widths, self.heights = array("b"), array("i"), array("i"), array("i")
        self.numbers: dict[str, int] = {}

    def add(self, split: str, identity: str, path: str, name: str, size: tuple[int, int]) -> None:
        """One image of class ``name``."""
        self.ids.append(path if identity == path else identity)  # one string for both where they are equal
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
            missing = sorted(name for name, number in self.numbers.items() if number in sides[there] - sides[lacking])
            if missing:
                raise UserError(
                    f"dataset '{dataset}': {len(missing)} classes of {there} have no image in {lacking}, e.g. '{missing[0]}'; "
                    f"complete {lacking}, or take the classes out of {there}"
                )

    def frame(self, levels: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
        """The manifest. levels: coarse to fine, per level the label of every class. The rows' names move into it: to be called once."""
        # of 2.8 million names two copies, as Python has them and as pandas has, are a gigabyte more than one
        ids, self.ids = pd.Series(self.ids, dtype="str"), []
        paths, self.paths = pd.Series(self.paths, dtype="str"), []
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

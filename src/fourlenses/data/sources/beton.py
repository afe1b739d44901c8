"""Images in betons of FFCV's own `DatasetWriter`: the files of people who train with FFCV.

A beton, or a folder of betons whose names or folders speak of their split: ``train.beton`` and
``val.beton``. The images are read from them; the files that they were made of are not needed.
"""

import collections
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError, did_you_mean, printable
from fourlenses.data.beton.foreign import INT, KINDS, PICTURE, ForeignBeton
from fourlenses.data.images.content import ImageContent, LazyImage
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.image_files import seeded_split
from fourlenses.data.sources.common.split_files import choose_splits, split_files, split_in_path


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    files = split_files(name, path, ending=".beton")
    words = {file: split_in_path(identity) for file, identity in files}
    split_of = choose_splits(name, definition, path, words=set(words.values()))
    parts, labels = [], []
    for file, identity in files:
        split = split_of[words[file]]
        if split == "unused":
            continue
        beton, image, label = _opened(name, definition, path=path, file=file)
        pictures, numbers = beton.column(image), range(len(beton))
        part = pd.DataFrame({"id": text_column(f"{identity}/{number}" for number in numbers)})
        part["path"] = text_column(f"{file}/{number}" for number in numbers)
        part["split"] = text_column([split] * len(beton))
        part["width"], part["height"] = (pictures[side].astype(int) for side in ("width", "height"))
        labels.append(_checked(name, definition, beton.path, labels=beton.column(label)))
        parts.append(part)
    manifest = pd.concat(parts, ignore_index=True)
    if len(manifest) == 0:
        raise UserError(f"config key 'datasets.{name}.path': the betons of {path} hold no image")
    manifest[PREFIX + "class"] = text_column(_classes(definition, np.concatenate(labels)))
    if manifest["split"].isna().any():
        manifest["split"] = seeded_split(list(manifest["id"]), definition)
    return manifest


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    path = raw_data / definition["path"]
    counts = collections.Counter(row.rpartition("/")[0] for row in manifest["path"])
    file, beton, image = "", None, ""
    for row in manifest["path"]:
        here, _, number = row.rpartition("/")
        if beton is None or here != file:
            file = here
            beton, image, _ = _opened(name, definition, path=path, file=file)
            if len(beton) < counts[file]:
                raise UserError(
                    f"{beton.path} has {len(beton)} samples, {counts[file]} when it was indexed; "
                    f"delete data/{name}/manifest.parquet to index it again"
                )
        yield partial(_picture, beton, image, int(number))


def _picture(beton: ForeignBeton, field: str, sample: int) -> ImageContent:
    return beton.picture(field, sample)


def _opened(name: str, definition: dict, *, path: Path, file: str) -> tuple[ForeignBeton, str, str]:
    """Return a beton with the names of its fields of images and labels."""
    beton = ForeignBeton(path / file if path.is_dir() else path)
    image = _field(name, definition, beton, kind=PICTURE, key="image_field")
    return beton, image, _field(name, definition, beton, kind=INT, key="label_field")


def _field(name: str, definition: dict, beton: ForeignBeton, *, kind: int, key: str) -> str:
    """Return the field that a key names, or the only one of its kind."""
    there = [field for field, found in beton.fields.items() if found == kind]
    listed = ", ".join(f"{field} ({KINDS[found][0]})" for field, found in beton.fields.items())
    wanted = definition.get(key)
    if wanted is None:
        usual = {"image_field": "image", "label_field": "label"}[key]
        if usual in there or len(there) == 1:
            return usual if usual in there else there[0]
        raise UserError(
            f"config key 'datasets.{name}.{key}': {beton.path} has {len(there)} fields of kind "
            f"{KINDS[kind][0]}; name the one to use; its fields: {printable(listed)}"
        )
    if wanted not in there:
        raise UserError(
            f"config key 'datasets.{name}.{key}': {beton.path} has no field '{wanted}' of kind "
            f"{KINDS[kind][0]}{did_you_mean(wanted, there)}; its fields: {printable(listed)}"
        )
    return wanted


def _checked(name: str, definition: dict, file: Path, *, labels: np.ndarray) -> np.ndarray:
    """Return the labels of a beton, int64 (samples,).

    Raises:
        UserError: One is no class.
    """
    names = definition.get("class_names", [])
    outside = np.flatnonzero((labels < 0) | ((labels >= len(names)) & bool(names)))
    if len(outside):
        allowed = (
            f"the {len(names)} of 'datasets.{name}.class_names' are from 0 to {len(names) - 1}"
            if names
            else f"classes are numbered from 0; is 'datasets.{name}.label_field' the right one?"
        )
        raise UserError(
            f"{file}, sample {outside[0]}: the label is {labels[outside[0]]}, but {allowed}"
        )
    return labels


def _classes(definition: dict, labels: np.ndarray) -> list[str]:
    """Return the labels' names: of `class_names` by number, or the numbers themselves."""
    if names := definition.get("class_names"):
        return [names[label] for label in labels.tolist()]
    width = len(str(int(labels.max())))  # classes are sorted by name
    return [f"{label:0{width}d}" for label in labels.tolist()]

"""Places365-Standard (Zhou et al. 2018), as downloaded or as unpacked, in either of the two layouts that it comes in.

As torchvision has it: ``data_256_standard/<letter>/<class>/<image>``, ``val_256/<image>`` and the lists of filelist_places365-standard.tar.
The easy format: ``train/<class>/<image>`` and ``val/<class>/<image>``. Both give the same ids and labels: subsets are the same.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import content, walk
from fourlenses.data.images.content import LazyImage, Undecodable
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.sources import places365_levels
from fourlenses.data.sources.common.image_files import stream_pictures

log = logging.getLogger(__name__)
TRAIN_LIST, VAL_LIST, CATEGORIES = (
    "places365_train_standard.txt",
    "places365_val.txt",
    "categories_places365.txt",
)
INDOOR_OUTDOOR = "IO_places365.txt"
_TRAIN = re.compile(r"(?:^|/)data_(?:256|large)(?:_standard)?(/.+)/([^/]+\.jpe?g)$", re.IGNORECASE)
_VAL = re.compile(r"(?:^|/)val_(?:256|large)/([^/]+\.jpe?g)$", re.IGNORECASE)
_EASY = re.compile(r"(?:^|/)(train|val)/([^/]+)/([^/]+\.jpe?g)$", re.IGNORECASE)


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    rows: list[tuple] = []
    lists: dict[str, tuple[str, str]] = {}
    categories: dict[str | None, str | None] = {}
    for member, file in walk(path, name, enter=_enter, progress=True):
        base = member.rpartition("/")[2]
        if base in (TRAIN_LIST, VAL_LIST, CATEGORIES, INDOOR_OUTDOOR):
            lists[base] = (f"{path}/{member}", _list(content(file, name), f"{path}/{member}"))
        elif place := _place(member):
            split, category, file_name = place
            # one string per class, not one per image: there are 1.8 million
            rows.append(
                (
                    split,
                    categories.setdefault(category, category),
                    file_name,
                    member,
                    *header_size(file),
                )
            )
    columns = ["split", "category", "file", "path", "width", "height"]
    # as objects, since the text columns of pandas take no names that are not UTF-8
    manifest = pd.DataFrame(rows, columns=columns, dtype=object).astype(
        {"width": "int64", "height": "int64"}
    )
    del rows
    _check(name, path, manifest)
    manifest = _with_classes(name, path, manifest, lists)
    manifest["id"] = (
        manifest["split"]
        + manifest["category"].where(manifest["split"] == "train", "")
        + "/"
        + manifest["file"]
    )
    twice = manifest["id"].duplicated()
    if twice.any():
        one, other = manifest.loc[manifest["id"] == manifest.loc[twice, "id"].iloc[0], "path"].iloc[
            :2
        ]
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds an image twice, as '{one}' and '{other}'; keep one of the two copies"
        )
    classes = sorted(set(manifest["category"]))
    for level, labels in places365_levels.levels(
        name, definition, raw_data, lists.get(INDOOR_OUTDOOR), classes
    ).items():
        manifest[f"level:{level}"] = manifest["category"].map(labels)
    manifest["level:class"] = manifest.pop("category")
    manifest["split"] = manifest["split"].map({"train": "train", "val": "test"})
    levels = [column for column in manifest if column.startswith("level:")]
    return manifest[["id", "path", "split", "width", "height", *levels]].reset_index(drop=True)


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _enter(folder: str) -> bool:
    """The test images have no labels."""
    return not folder.startswith(("test_256", "test_large"))


def _list(data: bytes | Undecodable, file: str) -> str:
    if isinstance(data, Undecodable):
        raise UserError(f"{file} is {data}; fetch the list again")
    return data.decode("utf-8", "replace")


def _place(member: str) -> tuple[str, str | None, str] | None:
    """Split, class (None: the list of validation images says it) and file name of an image; None for anything else."""
    if match := _TRAIN.search(member):
        return "train", match[1], match[2]
    if match := _VAL.search(member):
        return "val", None, match[1]
    if match := _EASY.search(member):
        split, folder, file = match.groups()
        # no class has a hyphen in its name: bakery-shop is /b/bakery/shop
        return split, f"/{folder[0]}/{folder.replace('-', '/')}", file
    return None


def _check(name: str, path: Path, manifest: pd.DataFrame) -> None:
    for split, folders in (
        ("train", "data_256_standard/<letter>/<class>/ nor train/<class>/"),
        ("val", "val_256/ nor val/<class>/"),
    ):
        if not (manifest["split"] == split).any():
            raise UserError(
                f"config key 'datasets.{name}.path': {path} holds no images of Places365-Standard's {split} split: there is neither "
                f"{folders} with .jpg files; point the key at the folder that holds the archives or what was in them"
            )


def _with_classes(
    name: str, path: Path, manifest: pd.DataFrame, lists: dict[str, tuple[str, str]]
) -> pd.DataFrame:
    """The images that the lists name, with their classes; folder names alone do where there is no list and none is needed."""
    known = _pairs(*lists[CATEGORIES]) if CATEGORIES in lists else None
    unlabelled = manifest["category"].isna()
    if unlabelled.any():
        for needed in (VAL_LIST, CATEGORIES):
            if needed not in lists:
                raise UserError(
                    f"config key 'datasets.{name}.path': {path} has val_256/ but not {needed}, which says the classes of its images; "
                    "put filelist_places365-standard.tar, or the lists in it, beside the images"
                )
        assert known is not None  # its list is there
        names = {number: category for category, number in known.items()}
        numbers = _pairs(*lists[VAL_LIST])
        strange = next(
            (f"{file} {number}" for file, number in numbers.items() if number not in names), None
        )
        if strange:
            raise UserError(
                f"{lists[VAL_LIST][0]}: '{strange}' names a class that {lists[CATEGORIES][0]} does not have; fetch both again"
            )
        labels = manifest.loc[unlabelled, "file"].map(numbers).map(names)
        manifest.loc[unlabelled, "category"] = labels
        manifest = _listed(
            name, manifest, manifest["category"].notna(), "val", len(numbers), lists[VAL_LIST][0]
        )
    if known is not None and not set(manifest["category"]) <= set(known):
        strange = sorted(set(manifest["category"]) - set(known))[0]
        raise UserError(
            f"config key 'datasets.{name}.path': {path} has a folder of the class '{strange}', which {lists[CATEGORIES][0]} lacks; "
            "rename the folder or take it out"
        )
    if TRAIN_LIST in lists:
        wanted = _pairs(*lists[TRAIN_LIST])
        train = manifest["split"] == "train"
        here = ~train | (manifest["category"] + "/" + manifest["file"]).isin(wanted.keys())
        manifest = _listed(name, manifest, here, "train", len(wanted), lists[TRAIN_LIST][0])
        _check(name, path, manifest)
    return manifest


def _pairs(file: str, text: str) -> dict[str, int]:
    """``<name> <number>`` per line."""
    pairs = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            key, _, value = line.strip().rpartition(" ")
            if not key or not value.isdigit():
                raise UserError(
                    f"{file}, line {number}: expected a name and a number, found '{line[:80]}'; fetch the list again"
                )
            pairs[key] = int(value)
    return pairs


def _listed(
    name: str, manifest: pd.DataFrame, keep: pd.Series, split: str, listed: int, file: str
) -> pd.DataFrame:
    """The images to keep; the log says how many of the folder are not on the list, and how many of the list are not in the folder."""
    if not keep.all():
        log.warning(
            "%s: %d %s images, e.g. %s, are not on %s: left out",
            name,
            (~keep).sum(),
            split,
            manifest["path"][~keep].iloc[0],
            file,
        )
    manifest = manifest[keep]
    missing = listed - int((manifest["split"] == split).sum())
    if missing > 0:
        log.warning(
            "%s: %d of the %d %s images on %s are not there", name, missing, listed, split, file
        )
    return manifest

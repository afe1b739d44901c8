"""Places365-Standard (Zhou et al. 2018, http://places2.csail.mit.edu), downloaded or unpacked.

It is published in two layouts. As torchvision has it:
``data_256_standard/<letter>/<class>/<image>``, ``val_256/<image>`` and the lists of
filelist_places365-standard.tar. The easy format: ``train/<class>/<image>`` and
``val/<class>/<image>``. Both give the same ids and labels, so subsets are the same.
"""

import functools
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import content, walk
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.images.content import LazyImage, Undecodable
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.sources.common.image_files import stream_pictures
from fourlenses.data.sources.common.split_words import TRAIN, VALIDATION, split_of
from fourlenses.data.sources.places365 import levels as scene_levels

log = logging.getLogger(__name__)
TRAIN_LIST, VAL_LIST, CATEGORIES = (
    "places365_train_standard.txt",
    "places365_val.txt",
    "categories_places365.txt",
)
INDOOR_OUTDOOR = "IO_places365.txt"
_TRAIN = re.compile(
    r"(?:^|/)data_(?:256|large)(?:_standard)?((?:/[^/]+)+)/([^/]+\.jpe?g)$", re.IGNORECASE
)
_VAL = re.compile(
    r"(?:^|/)val_(?:256|large)(?:\.tar)?(?:/val_(?:256|large))?/([^/]+\.jpe?g)$", re.IGNORECASE
)
# classes in one folder each; with a letter before them as published; of a split in any form
_EASY = re.compile(r"(?:^|/)([^/]+)/(?:[a-z]/)?([^/]+)/([^/]+\.jpe?g)$", re.IGNORECASE)


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    manifest, lists = _scan(name, path)
    _check(name, path, manifest)
    manifest = _with_classes(name, path, manifest, lists=lists)
    folder = manifest["category"].where(manifest["split"] == "train", "")
    manifest["id"] = manifest["split"] + folder + "/" + manifest["file"]
    repeated = manifest.loc[manifest["id"].duplicated(), "id"]
    if len(repeated):
        first, second = manifest.loc[manifest["id"] == repeated.iloc[0], "path"].iloc[:2]
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds an image twice, as '{first}' and "
            f"'{second}'; keep one of the two copies"
        )
    levels_above = scene_levels.levels(
        name,
        definition,
        raw_data,
        table=lists.get(INDOOR_OUTDOOR),
        classes=sorted(set(manifest["category"])),
    )
    for level, labels in levels_above.items():
        manifest[f"level:{level}"] = manifest["category"].map(labels)
    manifest["level:class"] = manifest.pop("category")
    manifest["split"] = manifest["split"].map({"train": "train", "val": "test"})
    levels = [column for column in manifest if column.startswith("level:")]
    return manifest[["id", "path", "split", "width", "height", *levels]].reset_index(drop=True)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _scan(name: str, path: Path) -> tuple[pd.DataFrame, dict[str, tuple[str, str]]]:
    """Read the names of all images, and the lists.

    Returns:
        Columns split, category (None where a list names it), file, path, width and height; and per
        list its path and text.
    """
    rows: list[tuple] = []
    lists: dict[str, tuple[str, str]] = {}
    categories: dict[str | None, str | None] = {}
    for member, file in walk(path, name, enter=_enter, progress=True):
        base = member.rpartition("/")[2]
        if leftover(member):
            continue
        if base in (TRAIN_LIST, VAL_LIST, CATEGORIES, INDOOR_OUTDOOR):
            lists[base] = (f"{path}/{member}", _list(content(file, name), f"{path}/{member}"))
        elif parsed := _parse(member):
            split, category, file_name = parsed
            # one string object per class, not one per image: there are 1.8 million
            category = categories.setdefault(category, category)
            rows.append((split, category, file_name, member, *header_size(file)))
    columns = ["split", "category", "file", "path", "width", "height"]
    # as objects, since the text columns of pandas take no names that are not UTF-8
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    return table.astype({"width": "int64", "height": "int64"}), lists


def _enter(folder: str) -> bool:
    """Skip the test images, which have no labels."""
    return not folder.startswith(("test_256", "test_large"))


def _list(data: bytes | Undecodable, file: str) -> str:
    """Return the text of a list."""
    if isinstance(data, Undecodable):
        raise UserError(f"{file} is {data}; fetch the list again")
    return data.decode("utf-8", "replace")


def _parse(member: str) -> tuple[str, str | None, str] | None:
    """Return split, class and file name of an image; None for anything else.

    The class is None where the list of validation images names it.
    """
    if match := _TRAIN.search(member):
        return "train", match[1], match[2]
    if match := _VAL.search(member):
        return "val", None, match[1]
    match = _EASY.search(member)
    split = match and _EASY_SPLITS.get(split_of(match[1])[0] or "")
    if match and split:
        return split, _category(match[2]), match[3]
    return None


_EASY_SPLITS = {TRAIN: "train", VALIDATION: "val"}


def _category(folder: str) -> str:
    """Return the class of a folder: `bakery-shop`, `bakery_shop` and `Bakery shop` as published."""
    known = _categories().get(_plain(folder))
    # no class has a hyphen in its name: bakery-shop is /b/bakery/shop
    return known or f"/{folder[0]}/{folder.replace('-', '/')}"


@functools.cache
def _categories() -> dict[str, str]:
    """Return the 365 classes by their names without separators."""
    names = [line.split()[0] for line in scene_levels.SHIPPED.read_text().splitlines() if line]
    return {_plain(name[3:]): name for name in names}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _check(name: str, path: Path, manifest: pd.DataFrame) -> None:
    """Check that there are images of both splits."""
    for split, folders in (
        ("train", "data_256_standard/<letter>/<class>/ nor train/<class>/"),
        ("val", "val_256/ nor val/<class>/"),
    ):
        if not (manifest["split"] == split).any():
            raise UserError(
                f"config key 'datasets.{name}.path': {path} holds no images of "
                f"Places365-Standard's {split} split: there is neither {folders} with .jpg files; "
                "point the key at the folder that holds the archives or what was in them"
            )


def _with_classes(
    name: str, path: Path, manifest: pd.DataFrame, *, lists: dict[str, tuple[str, str]]
) -> pd.DataFrame:
    """Return the images that the lists name, with their classes.

    Without lists the names of folders are the classes.

    Args:
        name: Of the dataset.
        path: Of its folder or archive.
        manifest: As from `_scan`.
        lists: As from `_scan`.
    """
    known = _pairs(*lists[CATEGORIES]) if CATEGORIES in lists else None
    unlabelled = manifest["category"].isna()
    if unlabelled.any():
        for needed in (VAL_LIST, CATEGORIES):
            if needed not in lists:
                raise UserError(
                    f"config key 'datasets.{name}.path': {path} has val_256/ but not {needed}, "
                    "which says the classes of its images; put filelist_places365-standard.tar, or "
                    "the lists in it, next to the images"
                )
        assert known is not None  # the list of categories exists
        file, numbers = lists[VAL_LIST][0], _pairs(*lists[VAL_LIST])
        names = {number: category for category, number in known.items()}
        for image, number in numbers.items():
            if number not in names:
                raise UserError(
                    f"{file}: '{image} {number}' names a class that {lists[CATEGORIES][0]} does "
                    "not have; fetch both again"
                )
        labels = manifest.loc[unlabelled, "file"].map(numbers).map(names)
        manifest.loc[unlabelled, "category"] = labels
        on_list = manifest["category"].notna()
        manifest = _select(name, manifest, on_list, split="val", listed=len(numbers), file=file)
    if known is not None and not set(manifest["category"]) <= set(known):
        unknown = sorted(set(manifest["category"]) - set(known))[0]
        raise UserError(
            f"config key 'datasets.{name}.path': {path} has a folder of the class '{unknown}', "
            f"which {lists[CATEGORIES][0]} lacks; rename the folder or take it out"
        )
    if TRAIN_LIST in lists:
        file, wanted = lists[TRAIN_LIST][0], _pairs(*lists[TRAIN_LIST])
        images = manifest["category"] + "/" + manifest["file"]
        on_list = (manifest["split"] != "train") | images.isin(wanted.keys())
        manifest = _select(name, manifest, on_list, split="train", listed=len(wanted), file=file)
        _check(name, path, manifest)
    return manifest


def _pairs(file: str, text: str) -> dict[str, int]:
    """Return the number of each name, from lines of ``<name> <number>``."""
    pairs = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            key, _, value = line.strip().rpartition(" ")
            if not key or not value.isdigit():
                raise UserError(
                    f"{file}, line {number}: expected a name and a number, found '{line[:80]}'; "
                    "fetch the list again"
                )
            pairs[key] = int(value)
    return pairs


def _select(
    name: str, manifest: pd.DataFrame, on_list: pd.Series, *, split: str, listed: int, file: str
) -> pd.DataFrame:
    """Return the images on a list, and log how the list and the folder differ.

    Args:
        name: Of the dataset.
        manifest: Of all images.
        on_list: Bool (rows,): the images to select.
        split: That the list is of: train or val.
        listed: Number of images on the list.
        file: The list's, for the log.
    """
    if not on_list.all():
        log.warning(
            "%s: %d %s images, e.g. %s, are not on %s: left out",
            name,
            (~on_list).sum(),
            split,
            manifest["path"][~on_list].iloc[0],
            file,
        )
    manifest = manifest[on_list]
    missing = listed - int((manifest["split"] == split).sum())
    if missing > 0:
        log.warning(
            "%s: %d of the %d %s images on %s are not there", name, missing, listed, split, file
        )
    return manifest

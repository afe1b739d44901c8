"""GLC20: land cover from the remote-sensing images of GeoLifeCLEF 2020, its United States part (Cole et al. 2020), one label per image.

A patch is ``<number>.npy``, integers (256, 256, 5): red, green, blue, near infrared, land-cover code; or, as in GeoLifeCLEF 2021 and 2022,
``<number>_rgb.jpg`` with ``<number>_landcover.tif``. Folders may be of any depth, unpacked or in the archives they come in.
"""

import collections
import functools
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import StoredFile, content, files_of_rows, walk
from fourlenses.data.images.content import ImageContent, LazyImage, Undecodable
from fourlenses.data.images.decode import header_size, open_picture
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.manifest.spatial_split import in_test_block
from fourlenses.data.sources.glc20_places import places

log = logging.getLogger(__name__)
BLOCK_KM = 5.0
# The land-cover codes of the United States count from 18 and follow the legend of the National Land Cover Database (NLCD), here with its
# own codes, whose tens are its groups.
FIRST_CODE = 18
CLASSES = (
    (11, "Water", "Open Water"),
    (12, "Water", "Perennial Ice/Snow"),
    (21, "Developed", "Developed, Open Space"),
    (22, "Developed", "Developed, Low Intensity"),
    (23, "Developed", "Developed, Medium Intensity"),
    (24, "Developed", "Developed, High Intensity"),
    (31, "Barren", "Barren Land"),
    (41, "Forest", "Deciduous Forest"),
    (42, "Forest", "Evergreen Forest"),
    (43, "Forest", "Mixed Forest"),
    (52, "Shrubland", "Shrub/Scrub"),
    (71, "Herbaceous", "Grassland/Herbaceous"),
    (81, "Planted/Cultivated", "Pasture/Hay"),
    (82, "Planted/Cultivated", "Cultivated Crops"),
    (90, "Wetlands", "Woody Wetlands"),
    (95, "Wetlands", "Emergent Herbaceous Wetlands"),
)
SHAPE = (256, 256, 5)
_NAME = re.compile(r"(?:^|/)(\d+)(\.npy|_rgb\.jpg|_landcover\.tif)$")


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    where = places(name, raw_data, path, definition["occurrences"])
    table = _scan(
        name, path, set(where.index[where["latitude"].notna()]), definition.get("label", "centre")
    )
    labels = table.pop("code") - FIRST_CODE
    outside = ~labels.between(0, len(CLASSES) - 1)
    _report(name, path, where, table, labels[outside] + FIRST_CODE)
    table, labels = table[~outside].reset_index(drop=True), labels[~outside]
    spots = where.loc[table["number"]]
    test = in_test_block(
        spots["latitude"].to_numpy(),
        spots["longitude"].to_numpy(),
        BLOCK_KM,
        definition.get("test_fraction", 0.05),
        definition.get("seed", 0),
    )
    table["id"] = table.pop("number").astype(str)
    table["split"] = np.where(test, "test", "train")
    # numbered, so that classes sorted by name are in the order of their codes
    table["level:group"] = [CLASSES[label][1] for label in labels]
    table["level:class"] = [f"{label:02d} {CLASSES[label][2]}" for label in labels]
    return table[["id", "path", "split", "width", "height", "level:group", "level:class"]]


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    for member, file in zip(
        manifest["path"], files_of_rows(raw_data / definition["path"], name, manifest), strict=True
    ):
        give = functools.partial(content if member.endswith(".jpg") else _colours, file, name)
        yield give if isinstance(file, Path) else give()


def _colours(file: StoredFile, dataset: str) -> ImageContent:
    """The red, green and blue of a patch."""
    try:
        pixels = _patch(file)[:, :, :3]
    except _Unreadable as error:
        content(file, dataset)  # which is an error where the patch is gone since it was indexed
        return Undecodable(str(error))
    if pixels.dtype != np.uint8 and (pixels.min() < 0 or pixels.max() > 255):
        return Undecodable("colours outside 0 to 255")
    return np.array(pixels, np.uint8)


def _enter(folder: str) -> bool:
    """Not the patches of France, nor archives of anything else (the environmental rasters)."""
    if re.match(r"(patches[-_])?fr([-_.]|$)", folder):
        return False
    return folder.startswith("patches") or not folder.endswith((".tar.gz", ".tgz", ".tar", ".zip"))


class _Unreadable(Exception):
    """Why a file is no patch."""


def _scan(name: str, path: Path, wanted: set[int], rule: str) -> pd.DataFrame:
    """``number, path, width, height, code`` of every wanted image that there is and whose land cover can be read."""
    found, codes, bad, unlisted = {}, {}, [], 0
    for member, file in walk(path, name, _enter, progress=True):
        match = _NAME.search(member)
        if not match:
            continue
        number, kind = int(match[1]), match[2]
        if number not in wanted:
            unlisted += kind != "_landcover.tif"
            continue
        try:
            if kind != "_rgb.jpg":
                codes[number] = _code(
                    _patch(file)[:, :, 4] if kind == ".npy" else _landcover(file), rule
                )
        except _Unreadable as error:
            bad.append(f"{member} ({error})")
            continue
        if kind != "_landcover.tif":
            if number in found:
                raise UserError(
                    f"config key 'datasets.{name}.path': {path} holds the patch {number} twice, as '{found[number][0]}' and '{member}'; "
                    "keep one of the two copies"
                )
            found[number] = (member, *(SHAPE[:2] if kind == ".npy" else header_size(file)))
    if bad:
        log.warning(
            "%s: %d patches cannot be read and are left out: %s",
            name,
            len(bad),
            "; ".join(bad[:5] + ["…"] * (len(bad) > 5)),
        )
    if unlisted:
        log.info(
            "%s: %d patches are not in the table of occurrences, or without coordinates in it: left out",
            name,
            unlisted,
        )
    rows = [(number, *place, codes[number]) for number, place in found.items() if number in codes]
    if len(rows) < len(found):
        log.warning(
            "%s: %d images have no readable land cover beside them: left out",
            name,
            len(found) - len(rows),
        )
    if not rows:
        reason = (
            f"{len(bad)} could not be read, e.g. {bad[0]}"
            if bad
            else f"{unlisted} are not in the table of occurrences"
        )
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds no usable patch, <number>.npy, or <number>_rgb.jpg with "
            f"<number>_landcover.tif ({reason}); correct the key or 'occurrences'"
        )
    # as objects, since the text columns of pandas take no names that are not UTF-8
    table = pd.DataFrame(rows, columns=["number", "path", "width", "height", "code"], dtype=object)
    return table.astype(dict.fromkeys(("number", "width", "height", "code"), "int64"))


def _report(
    name: str, path: Path, where: pd.DataFrame, table: pd.DataFrame, outside: pd.Series
) -> None:
    """The log says what the table of occurrences and the patches do not have in common, and which codes were left out."""
    last = FIRST_CODE + len(CLASSES) - 1
    counts = ", ".join(
        f"code {code}: {count}" for code, count in sorted(collections.Counter(outside).items())
    )
    if len(outside) == len(table):
        raise UserError(
            f"config key 'datasets.{name}.path': no patch in {path} has a land-cover code of the United States "
            f"({FIRST_CODE} to {last}); found {counts}"
        )
    if len(outside):
        log.info(
            "%s: %d patches outside the %d classes are left out (%s)",
            name,
            len(outside),
            len(CLASSES),
            counts,
        )
    nowhere = int(where["latitude"].isna().sum())
    if nowhere:
        log.warning(
            "%s: %d images have no coordinates (or impossible ones) and are left out", name, nowhere
        )
    absent = len(where) - nowhere - len(table)
    if absent:
        log.warning(
            "%s: %d of the %d images in the table of occurrences have no usable patch",
            name,
            absent,
            len(where),
        )


def _patch(file: StoredFile) -> np.ndarray:
    """The integers of a patch, memory-mapped where it lies on disk: of a page or two only what is used is read."""
    if isinstance(file, Undecodable):
        raise _Unreadable(str(file))
    try:
        if isinstance(file, bytes):
            patch = np.load(io.BytesIO(file), allow_pickle=False)
        else:
            patch = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _Unreadable(f"{type(error).__name__}: {error}") from None
    if not isinstance(patch, np.ndarray) or patch.shape != SHAPE or patch.dtype.kind not in "iu":
        found = (
            f"{patch.dtype} {patch.shape}"
            if isinstance(patch, np.ndarray)
            else "an archive of arrays"
        )
        raise _Unreadable(f"expected integers of shape {SHAPE}, found {found}")
    return patch


def _landcover(file: StoredFile) -> np.ndarray:
    try:
        with open_picture(file) as image:
            codes = np.asarray(image)
    except Exception as error:  # Pillow's readers raise what they like on bad input
        raise _Unreadable(f"{type(error).__name__}: {error}") from None
    if codes.ndim != 2:
        raise _Unreadable(f"expected one channel of land-cover codes, found shape {codes.shape}")
    return codes


def _code(codes: np.ndarray, rule: str) -> int:
    """The land-cover code of the centre pixel, or the most frequent one (of several equally frequent, the smallest)."""
    if rule == "centre":
        return int(codes[codes.shape[0] // 2, codes.shape[1] // 2])
    # codes beyond a byte are outside the classes whatever they are
    return int(np.bincount(np.clip(codes, 0, 255).ravel()).argmax())

"""GLC20: land cover of the United States from the remote-sensing images of GeoLifeCLEF 2020.

The dataset is that of Cole et al. 2020 (https://arxiv.org/abs/2004.04192), with a single label per
image. A patch is ``<number>.npy``, integers (256, 256, 5): red, green, blue, near infrared,
land-cover code; or, as in GeoLifeCLEF 2021 and 2022, ``<number>_rgb.jpg`` with
``<number>_landcover.tif``. Folders may be of any depth, unpacked or in the published archives.
"""

import collections
import functools
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import StoredFile, content, files_of_rows, walk
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.images.content import ImageContent, LazyImage, Undecodable
from fourlenses.data.images.decode import header_size, open_picture
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.manifest.spatial_split import in_test_block
from fourlenses.data.sources.glc20_places import places

log = logging.getLogger(__name__)
BLOCK_KM = 5.0
# The land-cover codes of the United States count from 18, in the order of the legend of the
# National Land Cover Database (NLCD). Here with the codes of NLCD, whose tens are its groups.
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
BANDS = ("red", "green", "blue", "near_infrared")  # of a .npy patch; the fifth is the land cover
_NAME = re.compile(r"(?:^|/)(\d+)(\.npy|_rgb\.jpg|_landcover\.tif)$")


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path = raw_data / definition["path"]
    occurrences = places(name, raw_data, path, files=definition["occurrences"])
    wanted = set(occurrences.index[occurrences["latitude"].notna()])
    table = _scan(name, path, wanted=wanted, rule=definition.get("label", "centre"))
    labels = table.pop("code") - FIRST_CODE
    if "near_infrared" in definition.get("bands", ()) and table["path"].str.endswith(".jpg").any():
        raise UserError(
            f"config key 'datasets.{name}.bands' names near_infrared, which patches that are .jpg "
            "do not hold; use those that are .npy, or leave it out"
        )
    outside = ~labels.between(0, len(CLASSES) - 1)
    codes = labels[outside] + FIRST_CODE
    _report(name, path, occurrences, patches=len(table), outside=codes)
    table, labels = table[~outside].reset_index(drop=True), labels[~outside]
    coordinates = occurrences.loc[table["number"]]
    test = in_test_block(
        coordinates["latitude"].to_numpy(),
        coordinates["longitude"].to_numpy(),
        BLOCK_KM,
        fraction=definition.get("test_fraction", 0.05),
        seed=definition.get("seed", 0),
    )
    table["id"] = table.pop("number").astype(str)
    table["split"] = np.where(test, "test", "train")
    # numbered, so that classes sorted by name are in the order of their codes
    table["level:group"] = [CLASSES[label][1] for label in labels]
    table["level:class"] = [f"{label:02d} {CLASSES[label][2]}" for label in labels]
    return table[["id", "path", "split", "width", "height", "level:group", "level:class"]]


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    files = files_of_rows(raw_data / definition["path"], name, manifest)
    colours = functools.partial(_colours, bands=bands_of(definition))
    for member, file in zip(manifest["path"], files, strict=True):
        read = functools.partial(content if member.endswith(".jpg") else colours, file, name)
        yield read if isinstance(file, Path) else read()


def bands_of(definition: dict) -> list[int]:
    """Return the channels of a patch that become red, green and blue."""
    return [BANDS.index(band) for band in definition.get("bands", BANDS[:3])]


def _colours(file: StoredFile, dataset: str, *, bands: list[int]) -> ImageContent:
    """Return three channels of a patch, uint8 (256, 256, 3)."""
    try:
        pixels = _patch(file)[:, :, bands]
    except _Unreadable as error:
        content(file, dataset)  # raises where the patch is gone since it was indexed
        return Undecodable(str(error))
    if pixels.dtype != np.uint8 and (pixels.min() < 0 or pixels.max() > 255):
        return Undecodable("colours outside 0 to 255")
    return np.array(pixels, np.uint8)


def _enter(folder: str) -> bool:
    """Skip the patches of France and archives of other data (the environmental rasters)."""
    if re.match(r"(patches[-_])?fr([-_.]|$)", folder):
        return False
    return folder.startswith("patches") or not folder.endswith((".tar.gz", ".tgz", ".tar", ".zip"))


class _Unreadable(Exception):
    """A file is no patch; the message is the reason."""


@dataclass(kw_only=True)
class _Scan:
    """The files of a dataset folder, as they are met."""

    images: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # path, width, height
    codes: dict[int, int] = field(default_factory=dict)  # land-cover code, by number of the patch
    unreadable: list[str] = field(default_factory=list)
    unlisted: int = 0  # images that are not wanted


def _scan(name: str, path: Path, *, wanted: set[int], rule: str) -> pd.DataFrame:
    """Return columns number, path, width, height and code of the wanted images that are readable.

    Args:
        name: Of the dataset.
        path: Of its folder.
        wanted: Numbers of patches.
        rule: As in `_code`.
    """
    scan = _Scan()
    for member, file in walk(path, name, enter=_enter, progress=True):
        match = _NAME.search(member)
        if not match or leftover(member):
            continue
        number, kind = int(match[1]), match[2]
        if number not in wanted:
            scan.unlisted += kind != "_landcover.tif"
            continue
        try:
            if kind == ".npy":
                scan.codes[number] = _code(_patch(file)[:, :, 4], rule)
            elif kind == "_landcover.tif":
                scan.codes[number] = _code(_landcover(file), rule)
        except _Unreadable as error:
            scan.unreadable.append(f"{member} ({error})")
            continue
        if kind == "_landcover.tif":
            continue
        if number in scan.images:
            raise UserError(
                f"config key 'datasets.{name}.path': {path} holds the patch {number} twice, as "
                f"'{scan.images[number][0]}' and '{member}'; keep one of the two copies"
            )
        height, width = SHAPE[:2]
        if kind == "_rgb.jpg":
            width, height = header_size(file)
        scan.images[number] = (member, width, height)
    return _usable(name, path, scan)


def _usable(name: str, path: Path, scan: _Scan) -> pd.DataFrame:
    """Return the images that have a land-cover code, and log the others."""
    bad = scan.unreadable
    if bad:
        examples = "; ".join(bad[:5] + ["…"] * (len(bad) > 5))
        log.warning("%s: %d patches cannot be read and are left out: %s", name, len(bad), examples)
    if scan.unlisted:
        log.info(
            "%s: %d patches are not in the table of occurrences, or without coordinates in it: "
            "left out",
            name,
            scan.unlisted,
        )
    rows = [
        (number, *image, scan.codes[number])
        for number, image in scan.images.items()
        if number in scan.codes
    ]
    without_code = len(scan.images) - len(rows)
    if without_code:
        log.warning(
            "%s: %d images have no readable land cover next to them: left out", name, without_code
        )
    if not rows:
        reason = f"{scan.unlisted} are not in the table of occurrences"
        if bad:
            reason = f"{len(bad)} could not be read, e.g. {bad[0]}"
        raise UserError(
            f"config key 'datasets.{name}.path': {path} holds no usable patch, <number>.npy, or "
            f"<number>_rgb.jpg with <number>_landcover.tif ({reason}); correct the key or "
            "'occurrences'"
        )
    # as objects, since the text columns of pandas take no names that are not UTF-8
    table = pd.DataFrame(rows, columns=["number", "path", "width", "height", "code"], dtype=object)
    return table.astype(dict.fromkeys(("number", "width", "height", "code"), "int64"))


def _report(
    name: str, path: Path, occurrences: pd.DataFrame, *, patches: int, outside: pd.Series
) -> None:
    """Log how occurrences and patches differ, and which land-cover codes are left out.

    Args:
        name: Of the dataset.
        path: Of its folder.
        occurrences: As from `places`.
        patches: Number of usable ones.
        outside: The codes of those that are of no class.
    """
    last = FIRST_CODE + len(CLASSES) - 1
    counts = ", ".join(
        f"code {code}: {count}" for code, count in sorted(collections.Counter(outside).items())
    )
    if len(outside) == patches:
        raise UserError(
            f"config key 'datasets.{name}.path': no patch in {path} has a land-cover code of the "
            f"United States ({FIRST_CODE} to {last}); found {counts}"
        )
    if len(outside):
        log.info(
            "%s: %d patches outside the %d classes are left out (%s)",
            name,
            len(outside),
            len(CLASSES),
            counts,
        )
    nowhere = int(occurrences["latitude"].isna().sum())
    if nowhere:
        log.warning(
            "%s: %d images have no coordinates (or impossible ones) and are left out", name, nowhere
        )
    absent = len(occurrences) - nowhere - patches
    if absent:
        log.warning(
            "%s: %d of the %d images in the table of occurrences have no usable patch",
            name,
            absent,
            len(occurrences),
        )


def _patch(file: StoredFile) -> np.ndarray:
    """Return the integers of a patch (256, 256, 5).

    A file on disk is memory-mapped, so that only the pages that are used are read.
    """
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
        is_array = isinstance(patch, np.ndarray)
        actual = f"{patch.dtype} {patch.shape}" if is_array else "an archive of arrays"
        raise _Unreadable(f"expected integers of shape {SHAPE}, found {actual}")
    return patch


def _landcover(file: StoredFile) -> np.ndarray:
    """Return the land-cover codes of a GeoTIFF, integers (height, width)."""
    try:
        with open_picture(file) as image:
            codes = np.asarray(image)
    except Exception as error:  # Pillow's readers raise what they like on bad input
        raise _Unreadable(f"{type(error).__name__}: {error}") from None
    if codes.ndim != 2:
        raise _Unreadable(f"expected one channel of land-cover codes, found shape {codes.shape}")
    return codes


def _code(codes: np.ndarray, rule: str) -> int:
    """Return the land-cover code of the centre pixel, or else the most frequent code.

    Of several equally frequent codes it is the smallest.

    Args:
        codes: Integers (height, width).
        rule: ``centre``, or anything else for the most frequent code.
    """
    if rule == "centre":
        return int(codes[codes.shape[0] // 2, codes.shape[1] // 2])
    # codes beyond a byte are outside the classes whatever they are
    return int(np.bincount(np.clip(codes, 0, 255).ravel()).argmax())

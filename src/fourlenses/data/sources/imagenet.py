"""ImageNet (ILSVRC2012, https://image-net.org), as downloaded, as unpacked, or from elsewhere.

The training archive is a tar of 1000 class tars; Kaggle has class folders in
`ILSVRC/Data/CLS-LOC`, Hugging Face tars of images whose names say the class, or Parquet files. The
validation images may lie in no class folders: see `ilsvrc.truth`. An image's id is
train/<wnid>/<file> or val/<wnid>/<file>, however it is stored, so that subsets are the same.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import content, walk
from fourlenses.data.archives.leftovers import leftover
from fourlenses.data.download.registry import md5_sums
from fourlenses.data.images.content import LazyImage
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.manifest.wordnet import WordNet, read_wordnet
from fourlenses.data.sources.common import published_archives as published
from fourlenses.data.sources.common.image_files import stream_pictures
from fourlenses.data.sources.common.split_words import TRAIN, VALIDATION, split_of
from fourlenses.data.sources.ilsvrc import tables
from fourlenses.data.sources.ilsvrc.truth import (
    DEVKIT,
    ENDINGS,
    SOLUTION,
    class_in_name,
    class_of,
    ground_truth,
    solutions,
)

log = logging.getLogger(__name__)
TRAIN_TAR, VAL_TAR = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
MD5 = md5_sums("imagenet")
IMAGES = {"train": 1_281_167, "test": 50_000}
# labels per depth, figure 5 of Cole et al. 2022 (https://arxiv.org/abs/2105.05837)
PAPER = {0: 1, 3: 12, 6: 95, 9: 494, 12: 756, 15: 919, 18: 1000}
# Folders around the images, from the one that `path` names inwards.
_AROUND = ("", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC", "data", "ILSVRC2012")
# As Hugging Face calls its archives.
_TRAIN_PARTS, _VAL_PARTS = "train_images_*.tar.gz", "val_images*.tar.gz"
_WNID = re.compile(r"n\d{8}")
_DIGITS = re.compile(r"\d+")
Row = tuple[str, str, str, str, tuple[int, int]]  # split, path, wnid, file, size in px


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    wordnet, rows = read_wordnet(), published.Rows()
    folder = raw_data / definition["path"]
    for split, path, wnid, file, size in _rows(name, definition, folder, wordnet=wordnet):
        _check_class(name, path, wnid, wordnet=wordnet)
        identity = f"{'train' if split == 'train' else 'val'}/{wnid}/{file}"
        rows.add(path, identity=identity, split=split, class_name=wnid, size=size)
    rows.check_splits(name, *_names_of_parts(name, folder))
    if len(rows.numbers) == len(wordnet.numbers) and rows.counts() != IMAGES:
        log.warning(
            "%s: %s images, where ILSVRC2012 has %s; is the download complete?",
            name,
            rows.counts(),
            IMAGES,
        )
    depths = {
        depth: {wnid: wordnet.label(wnid, depth) for wnid in rows.numbers}
        for depth in range(wordnet.depth + 1)
    }
    for depth, labels in depths.items():
        paper = f" (the paper: {PAPER[depth]}, of 1000 classes)" if depth in PAPER else ""
        log.info("%s: depth %d: %d labels%s", name, depth, len(set(labels.values())), paper)
    # depth 0 is one label, and at the greatest depth every class is its own label
    levels = {f"depth{depth}": depths[depth] for depth in range(1, wordnet.depth)}
    return rows.frame({**levels, "class": {wnid: wnid for wnid in rows.numbers}})


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    folder = raw_data / definition["path"]
    if folder.is_dir() and _in_tables(_home(folder)):
        return tables.images(name, definition, raw_data, manifest=manifest, size=size)
    return stream_pictures(folder, name, manifest, nested=True)


def _home(folder: Path) -> Path:
    """Return the folder, inside the one that is named, that holds train and val."""
    found = (folder / inside for inside in _AROUND if _parts(folder / inside, "train"))
    return next(found, folder)


def _in_tables(home: Path) -> bool:
    return not _parts(home, "train") and tables.is_parquet(home)


def _parts(home: Path, split: str) -> list[Path]:
    """Return the archives, or the folder, of a split; the archives as published come first."""
    tar, pattern = (TRAIN_TAR, _TRAIN_PARTS) if split == "train" else (VAL_TAR, _VAL_PARTS)
    if (home / tar).exists():
        return [home / tar]
    packed = sorted(home.glob(pattern))
    if packed:
        return packed
    kind = TRAIN if split == "train" else VALIDATION
    folders = sorted(home.iterdir()) if home.is_dir() else []
    of_kind = [path for path in folders if path.is_dir() and _speaks_of(path.name, kind)]
    exact = [path for path in of_kind if path.name == ("train" if split == "train" else "val")]
    if exact or not of_kind:
        return exact
    # one folder, or numbered ones such as train.X1 to train.X4
    first = _DIGITS.sub("", of_kind[0].name)
    return [path for path in of_kind if _DIGITS.sub("", path.name) == first]


def _speaks_of(folder: str, split: str) -> bool:
    """Return whether a folder is of a split: `train`, `ILSVRC2012_img_train`, `train.X1`."""
    kind, others = split_of(folder)
    return kind == split and set(others) <= {"ilsvrc", "imagenet", "x"}


def _names_of_parts(name: str, folder: Path) -> tuple[Path, Path]:
    """Return a path of each split, for errors.

    Raises:
        UserError: One of the two is not there.
    """
    home = _home(folder)
    if not home.is_dir() or _in_tables(home):
        return home / "train", home / "val"
    kinds = "training images of ILSVRC2012", "validation images of ILSVRC2012"
    train, val = _parts(home, "train"), _parts(home, "val")
    if not train:
        published.find(name, home, names=[TRAIN_TAR, "train"], kind=kinds[0])
    if not val:
        published.find(name, home, names=[VAL_TAR, "val"], kind=kinds[1])
    return train[0], val[0]


def _rows(name: str, definition: dict, folder: Path, *, wordnet: WordNet) -> Iterator[Row]:
    """Yield every image."""
    if folder.is_file() and folder.suffix != ".parquet":
        yield from _of_one_archive(name, folder, wordnet=wordnet)
        return
    home = _home(folder)
    if _in_tables(home) or folder.suffix == ".parquet":
        for row in tables.rows(name, folder, wordnet=wordnet):
            yield *row, (0, 0)
        return
    _names_of_parts(name, folder)
    prefix = "" if home == folder else f"{home.relative_to(folder).as_posix()}/"
    sums = MD5 if definition.get("verify", True) else {}
    val = _parts(home, "val")[0]
    # read before the training images, so that its absence shows before an hour has gone by
    names = [file.name for file in val.iterdir()] if val.is_dir() else []
    bare = next((file for file in names if file.lower().endswith(ENDINGS)), None)
    flat = val.name == VAL_TAR or (bare is not None and class_in_name(bare)[0] is None)
    truth = ground_truth(name, val, md5=sums.get(DEVKIT), wordnet=wordnet) if flat else []
    for split in ("train", "test"):
        for part in _parts(home, "train" if split == "train" else "val"):
            md5 = sums.get(part.name)
            nested = split == "train"
            for path, data in published.files(part, name, suffix=ENDINGS, md5=md5, nested=nested):
                place, base = path.split("/")[-2:]
                wnid, file = class_in_name(base)
                if _WNID.fullmatch(place.removesuffix(".tar")):
                    wnid = place.removesuffix(".tar")
                elif split == "test" and wnid is None:
                    wnid = class_of(base, name, part, truth=truth)
                # what lies in another folder is an error that names the folder
                elif path.count("/") > 1 or wnid is None:
                    wnid = place
                yield split, prefix + path, wnid, file, header_size(data)


def _of_one_archive(name: str, archive: Path, *, wordnet: WordNet) -> Iterator[Row]:
    """Yield every image of Kaggle's archive as it is, whose list may come after its images.

    In the archive's order, so that all are gathered first.
    """
    truth: list[str] = []
    gathered: list[tuple[str, str, str | None, str, tuple[int, int]]] = []
    for path, data in walk(archive, name, progress=True):
        if path.rpartition("/")[2] == SOLUTION and isinstance(listed := content(data, name), bytes):
            truth = solutions(f"{archive}:{path}", listed, wordnet=wordnet)
        parts = path.split("/")
        if leftover(path) or not path.lower().endswith(ENDINGS) or len(parts) < 2:
            continue
        kinds = {split_of(part)[0] for part in parts[:-1]}
        wnid, file = class_in_name(parts[-1])
        if _WNID.fullmatch(parts[-2]):
            wnid = parts[-2]
        if TRAIN in kinds and wnid:
            gathered.append(("train", path, wnid, file, header_size(data)))
        elif VALIDATION in kinds:
            gathered.append(("test", path, wnid, file, header_size(data)))
    if not truth and any(wnid is None for _, _, wnid, _, _ in gathered):
        raise UserError(
            f"config key 'datasets.{name}.path': {archive} has validation images in no class "
            f"folders, but no {SOLUTION}, which says their classes; fetch it again, or unpack it "
            f"and put {SOLUTION} next to its folders"
        )
    for split, path, wnid, file, size in gathered:
        known = class_of(file, name, archive, truth=truth) if wnid is None else wnid
        yield split, path, known, file, size


def _check_class(name: str, path: str, wnid: str, *, wordnet: WordNet) -> None:
    if wnid not in wordnet.numbers:
        split = "val" if "val" in path.split("/")[0] else "train"
        raise UserError(
            f"config key 'datasets.{name}.path': '{path}' lies in '{wnid}', which is "
            f"none of the 1000 classes of ILSVRC2012 (expected {split}/n01440764/… and so on); "
            "take what is not of ILSVRC2012 away"
        )

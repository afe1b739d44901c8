"""ImageNet (ILSVRC2012, https://image-net.org), as downloaded or as unpacked.

The training archive is a tar of 1000 class tars. The validation images are in no class folders;
their classes are in the development kit, as numbers of the challenge, whose synsets
`fourlenses.data.manifest.wordnet` knows. An image's id is train/<wnid>/<file> or val/<wnid>/<file>,
however it is stored, so that subsets are the same.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.archives import members
from fourlenses.data.archives.dataset_files import StoredFile
from fourlenses.data.download.registry import md5_sums
from fourlenses.data.images.content import LazyImage, Undecodable
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.manifest.wordnet import WordNet, read_wordnet
from fourlenses.data.sources.common import published_archives as published
from fourlenses.data.sources.common.image_files import stream_pictures

log = logging.getLogger(__name__)
TRAIN, VAL, DEVKIT = (
    "ILSVRC2012_img_train.tar",
    "ILSVRC2012_img_val.tar",
    "ILSVRC2012_devkit_t12.tar.gz",
)
MD5 = md5_sums("imagenet")
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
IMAGES = {"train": 1_281_167, "test": 50_000}
# labels per depth, figure 5 of Cole et al. 2022 (https://arxiv.org/abs/2105.05837)
PAPER = {0: 1, 3: 12, 6: 95, 9: 494, 12: 756, 15: 919, 18: 1000}


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    wordnet, rows = read_wordnet(), published.Rows()
    for split, path, wnid, file in _images(name, definition, raw_data, wordnet=wordnet):
        folder = "train" if split == "train" else "val"
        identity = f"{folder}/{wnid}/{path.rpartition('/')[2]}"
        size = header_size(file)
        rows.add(path, identity=identity, split=split, class_name=wnid, size=size)
    rows.check_splits(name, *_parts(name, definition, raw_data))
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
    return stream_pictures(raw_data / definition["path"], name, manifest, nested=True)


def _parts(name: str, definition: dict, raw_data: Path) -> tuple[Path, Path]:
    folder = raw_data / definition["path"]
    kinds = "training images of ILSVRC2012", "validation images of ILSVRC2012"
    train = published.find(name, folder, names=[TRAIN, "train"], kind=kinds[0])
    return train, published.find(name, folder, names=[VAL, "val"], kind=kinds[1])


def _images(
    name: str, definition: dict, raw_data: Path, *, wordnet: WordNet
) -> Iterator[tuple[str, str, str, StoredFile]]:
    """Yield ``(split, path, wnid, file)`` of every image."""
    train, val = _parts(name, definition, raw_data)
    sums = MD5 if definition.get("verify", True) else {}
    # read before the training images, so that its absence shows before an hour has gone by
    flat = val.is_file() or next(val.glob("*.JPEG"), None) is not None
    truth = _ground_truth(name, val, md5=sums.get(DEVKIT), wordnet=wordnet) if flat else None
    for split, part in (("train", train), ("test", val)):
        md5, nested = sums.get(part.name), split == "train"
        for path, file in published.files(part, name, suffix=".jpeg", md5=md5, nested=nested):
            folder, base = path.split("/")[-2:]
            wnid = folder.removesuffix(".tar")
            if split == "test" and truth is not None and not re.fullmatch(r"n\d{8}", folder):
                wnid = _class_of(base, name, part, truth=truth)
            elif wnid not in wordnet.numbers:
                raise UserError(
                    f"config key 'datasets.{name}.path': '{path}' lies in '{folder}', which is "
                    "none of the 1000 classes of ILSVRC2012 (expected "
                    f"{'train' if split == 'train' else 'val'}/n01440764/… and so on); take what "
                    "is not of ILSVRC2012 away"
                )
            yield split, path, wnid, file


def _class_of(file: str, name: str, part: Path, *, truth: list[str]) -> str:
    """Return the wnid of a validation image, by the number in its name."""
    match = re.fullmatch(r"ILSVRC2012_val_(\d{8})\.JPEG", file)
    if not match or not 1 <= int(match[1]) <= len(truth):
        raise UserError(
            f"config key 'datasets.{name}.path': '{file}' in {part} lies in no class folder and is "
            "not one of ILSVRC2012_val_00000001.JPEG to "
            f"ILSVRC2012_val_{len(truth):08}.JPEG, the images that {TRUTH} has a class of; take it "
            "away"
        )
    return truth[int(match[1]) - 1]


def _ground_truth(name: str, val: Path, *, md5: str | None, wordnet: WordNet) -> list[str]:
    """Return the wnid of each validation image, in the order of their numbers.

    Args:
        name: Of the dataset.
        val: Archive or folder of the validation images; the development kit lies next to it.
        md5: Of the development kit, where it is to be checked.
        wordnet: The synsets.
    """
    folder = val.parent
    text: bytes | Undecodable | None = None
    file = folder / DEVKIT
    if file.exists():
        contents = dict(members(file, name, md5=md5))
        lists = (data for member, data in contents.items() if member.rpartition("/")[2] == TRUTH)
        text = next(lists, None)
    else:
        unpacked = (folder / TRUTH, folder / "ILSVRC2012_devkit_t12" / "data" / TRUTH)
        file = next((file for file in unpacked if file.exists()), file)
        text = file.read_bytes() if file.exists() else None
    if not isinstance(text, bytes):
        lacks = f"{file} holds no {TRUTH}" if file.exists() else f"{folder} holds no {DEVKIT}"
        raise UserError(
            f"config key 'datasets.{name}.path': the images in {val} lie in no class folders, and "
            f"{lacks}, which says their classes; put the development kit (or the {TRUTH} from it) "
            "there, or sort the images into val/<wnid>/"
        )
    wnids = {str(number): wnid for wnid, number in wordnet.numbers.items()}
    numbers = text.decode("ascii", "replace").split()
    wrong = next((index for index, number in enumerate(numbers) if number not in wnids), None)
    if wrong is not None:
        raise UserError(
            f"{file}: {TRUTH} says '{numbers[wrong]}' of image {wrong + 1}, which is no whole "
            "number from 1 to 1000; fetch it again"
        )
    return [wnids[number] for number in numbers]

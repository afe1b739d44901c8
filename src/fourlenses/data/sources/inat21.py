"""iNaturalist 2021, from the archives as they are downloaded or from the folders these were extracted to.

A class folder's name is its taxonomy: `00000_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris`. The published
test images have no labels, so the validation images are what is tested on, as in the paper.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.data.archives.dataset_files import StoredFile
from fourlenses.data.download.registry import md5_sums
from fourlenses.data.images.content import LazyImage
from fourlenses.data.images.decode import header_size
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.sources.common import published_archives as published
from fourlenses.data.sources.common.image_files import stream_pictures

log = logging.getLogger(__name__)
MD5 = md5_sums("inat21")
IMAGES = {"train": 2_686_843, "train_mini": 500_000, "val": 100_000}
TAXA = {
    "kingdom": 3,
    "phylum": 13,
    "class": 51,
    "order": 273,
    "family": 1103,
    "genus": 4884,
    "species": 10_000,
}
# an archive, decompressed or extracted; the last is torchvision's name of the folder
NAMES = {
    "train": ["train.tar.gz", "train.tar", "train", "2021_train"],
    "train_mini": ["train_mini.tar.gz", "train_mini.tar", "train_mini", "2021_train_mini"],
    "val": ["val.tar.gz", "val.tar", "val", "2021_valid"],
}


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    parts, rows = _parts(name, definition, raw_data), published.Rows()
    for key, path, file in _images(name, definition, raw_data):
        folder, base = path.split("/")[-2:]
        rows.add(
            "test" if key == "val" else "train",
            f"{key}/{folder}/{base}",
            path,
            folder,
            header_size(file),
        )
    levels = taxonomy(name, rows.numbers)
    rows.check_splits(name, *parts.values())
    if len(rows.numbers) == TAXA["species"]:
        _compare(name, levels, rows, *parts)
    return rows.frame(levels)


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _parts(name: str, definition: dict, raw_data: Path) -> dict[str, Path]:
    keys = (definition.get("train", "train"), "val")
    return {
        key: published.find(
            name, raw_data / definition["path"], NAMES[key], f"'{key}' images of iNaturalist 2021"
        )
        for key in keys
    }


def _images(name: str, definition: dict, raw_data: Path) -> Iterator[tuple[str, str, StoredFile]]:
    """``(part, path, file)`` of every image."""
    sums = MD5 if definition.get("verify", True) else {}
    for key, part in _parts(name, definition, raw_data).items():
        for path, file in published.files(part, name, ".jpg", sums.get(part.name)):
            yield key, path, file


def taxonomy(dataset: str, folders: Iterable[str]) -> dict[str, dict[str, str]]:
    """Per rank, kingdom to species, the label of every class folder.

    A label is the taxon's name. Where taxa of one rank share a name (Oenanthe is a genus of birds and one of plants), each has its
    parent's label added in brackets: they are different taxa and must not become one. A species is its genus and epithet.

    Raises:
        UserError: a folder is not named with a number and seven taxa, or two are named with the same seven.
    """
    taxa: dict[tuple[str, ...], str] = {}
    for folder in folders:
        number, *names = folder.split("_")
        if len(names) != len(TAXA) or not number.isdigit() or not all(names):
            raise UserError(
                f"dataset '{dataset}': class folder '{folder}' is not named with a number and seven taxa, as in '00000_Animalia_Annelida_"
                "Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris'; take what is not of iNaturalist 2021 away"
            )
        twin = taxa.setdefault((*names[:-1], f"{names[-2]} {names[-1]}"), folder)
        if twin != folder:
            raise UserError(
                f"dataset '{dataset}': class folders '{twin}' and '{folder}' are named with the same taxa; keep one"
            )
    levels, label = {}, {(): ""}
    for depth, rank in enumerate(TAXA, 1):
        lineages = sorted({lineage[:depth] for lineage in taxa})
        shared = Counter(lineage[-1] for lineage in lineages)
        label |= {
            way: f"{way[-1]} ({label[way[:-1]]})" if shared[way[-1]] > 1 else way[-1]
            for way in lineages
        }
        levels[rank] = {folder: label[lineage[:depth]] for lineage, folder in taxa.items()}
    return levels


def _compare(
    name: str, levels: dict[str, dict[str, str]], rows: published.Rows, *keys: str
) -> None:
    """Warn where a complete download does not have the published numbers of taxa and images."""
    for rank, labels in levels.items():
        found = len(set(labels.values()))
        # whether the published numbers take taxa of one name for one is not known
        bare = len({label.partition(" (")[0] for label in labels.values()})
        if TAXA[rank] not in (found, bare):
            log.warning(
                "%s: %d labels at rank '%s' (%d names), where iNaturalist 2021 has %d",
                name,
                found,
                rank,
                bare,
                TAXA[rank],
            )
        elif found != bare:
            log.info(
                "%s: rank '%s': %d labels, of which several share one of the %d names",
                name,
                rank,
                found,
                bare,
            )
    for key, found in zip(keys, rows.counts().values(), strict=True):
        if found != IMAGES[key]:
            log.warning(
                "%s: %d images in '%s', where iNaturalist 2021 has %d; is the download complete?",
                name,
                found,
                key,
                IMAGES[key],
            )

"""iNaturalist 2021 (https://github.com/visipedia/inat_comp), as downloaded or as unpacked.

A class folder's name is its taxonomy:
`00000_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris`. The published
test images have no labels: as in Cole et al. 2022, the validation images are the test images.
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
# as published; torchvision's and others' names of the same parts
_STEMS = {
    "train": ("train", "2021_train", "inat2021_train", "inaturalist_2021_train"),
    "train_mini": ("train_mini", "2021_train_mini", "inat2021_train_mini", "train_mini_2021"),
    "val": ("val", "2021_valid", "valid", "validation", "inat2021_val", "inaturalist_2021_val"),
}
# an archive, decompressed or extracted
NAMES = {
    key: [stem + ending for stem in stems for ending in (".tar.gz", ".tgz", ".tar", ".zip", "")]
    for key, stems in _STEMS.items()
}


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    parts, rows = _parts(name, definition, raw_data), published.Rows()
    for key, path, file in _images(name, definition, raw_data):
        folder, base = path.split("/")[-2:]
        split, size = "test" if key == "val" else "train", header_size(file)
        rows.add(path, identity=f"{key}/{folder}/{base}", split=split, class_name=folder, size=size)
    levels = taxonomy(name, rows.numbers)
    rows.check_splits(name, *parts.values())
    if len(rows.numbers) == TAXA["species"]:
        _compare(name, levels, rows, parts=list(parts))
    return rows.frame(levels)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _parts(name: str, definition: dict, raw_data: Path) -> dict[str, Path]:
    """Return the archives or folders of the train and the test images, by key of `NAMES`."""
    folder, parts = raw_data / definition["path"], {}
    for key in (definition.get("train", "train"), "val"):
        kind = f"'{key}' images of iNaturalist 2021"
        parts[key] = published.find(name, folder, names=NAMES[key], kind=kind)
    return parts


def _images(name: str, definition: dict, raw_data: Path) -> Iterator[tuple[str, str, StoredFile]]:
    """Yield ``(part, path, file)`` of every image."""
    sums = MD5 if definition.get("verify", True) else {}
    for key, part in _parts(name, definition, raw_data).items():
        md5 = sums.get(part.name)
        for path, file in published.files(part, name, suffix=".jpg", md5=md5):
            yield key, path, file


def taxonomy(dataset: str, folders: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return per rank, kingdom to species, the label of every class folder.

    A label is the taxon's name. Where taxa of a rank share a name (Oenanthe is a genus of birds and
    a genus of plants), the parent's label is added in brackets, since they are different taxa. A
    species is its genus and epithet.

    Raises:
        UserError: A folder is not named with a number and seven taxa, or two are named with the
            same seven.
    """
    taxa: dict[tuple[str, ...], str] = {}
    for folder in folders:
        number, *names = folder.split("_")
        if len(names) != len(TAXA) or not number.isdigit() or not all(names):
            raise UserError(
                f"dataset '{dataset}': class folder '{folder}' is not named with a number and "
                "seven taxa, as in '00000_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_"
                "Lumbricus_terrestris'; take what is not of iNaturalist 2021 away"
            )
        twin = taxa.setdefault((*names[:-1], f"{names[-2]} {names[-1]}"), folder)
        if twin != folder:
            raise UserError(
                f"dataset '{dataset}': class folders '{twin}' and '{folder}' are named with the "
                "same taxa; keep one"
            )
    levels: dict[str, dict[str, str]] = {}
    label: dict[tuple[str, ...], str] = {(): ""}  # by lineage
    for depth, rank in enumerate(TAXA, 1):
        lineages = sorted({lineage[:depth] for lineage in taxa})
        shared = Counter(lineage[-1] for lineage in lineages)
        for lineage in lineages:
            taxon, parent = lineage[-1], label[lineage[:-1]]
            label[lineage] = f"{taxon} ({parent})" if shared[taxon] > 1 else taxon
        levels[rank] = {folder: label[lineage[:depth]] for lineage, folder in taxa.items()}
    return levels


def _compare(
    name: str, levels: dict[str, dict[str, str]], rows: published.Rows, *, parts: list[str]
) -> None:
    """Warn where a complete download does not have the published numbers of taxa and images.

    Args:
        name: Of the dataset.
        levels: As from `taxonomy`.
        rows: Of the manifest.
        parts: Keys of `IMAGES` of the train and the test images.
    """
    for rank, labels in levels.items():
        taxa = len(set(labels.values()))
        # it is not published whether these numbers count taxa of the same name once
        names = len({label.partition(" (")[0] for label in labels.values()})
        if TAXA[rank] not in (taxa, names):
            log.warning(
                "%s: %d labels at rank '%s' (%d names), where iNaturalist 2021 has %d",
                name,
                taxa,
                rank,
                names,
                TAXA[rank],
            )
        elif taxa != names:
            log.info(
                "%s: rank '%s': %d labels, of which several share one of the %d names",
                name,
                rank,
                taxa,
                names,
            )
    for key, count in zip(parts, rows.counts().values(), strict=True):
        if count != IMAGES[key]:
            log.warning(
                "%s: %d images in '%s', where iNaturalist 2021 has %d; is the download complete?",
                name,
                count,
                key,
                IMAGES[key],
            )

"""ImageNet in Parquet files, as Hugging Face hands it out: `train-…` and `validation-….parquet`.

A label counts the wnids in their order. The names in the column `image` give the ids of the other
distributions.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from fourlenses.core.errors import UserError
from fourlenses.data.images.content import Undecodable
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.manifest.wordnet import WordNet
from fourlenses.data.sources import parquet
from fourlenses.data.sources.common.split_words import TRAIN, VALIDATION
from fourlenses.data.sources.ilsvrc.truth import class_in_name

Row = tuple[str, str, str, str]  # split, path, wnid, file


def is_parquet(folder: Path) -> bool:
    return any(folder.glob("*.parquet")) or any(folder.glob("*/*.parquet"))


def rows(name: str, folder: Path, *, wordnet: WordNet) -> Iterator[Row]:
    """Yield ``(split, path, wnid, file)`` of every image with a label; the test images have none.

    Raises:
        UserError: A file has other columns, or a name speaks of another class than the label.
    """
    wnids = sorted(wordnet.numbers)
    for split, file, full_path in parquet.files_of_splits(name, folder):
        if split not in (TRAIN, VALIDATION):
            continue
        with parquet.opened(full_path) as table:
            columns = table.schema_arrow.names
            if not {"image", "label"} <= set(columns):
                raise UserError(
                    f"{full_path} has the columns {', '.join(columns)}, expected image and label"
                )
            kind = table.schema_arrow.field("image").type
            named = pa.types.is_struct(kind) and kind.get_field_index("path") >= 0
            read = table.read(columns=["label", *(["image.path"] if named else [])])
        labels = read.column("label").to_pylist()
        names = [cell.as_py()["path"] or "" for cell in read.column("image")] if named else []
        for row, label in enumerate(labels):
            if not isinstance(label, int) or not 0 <= label < len(wnids):
                raise UserError(
                    f"{full_path}, row {row}: label {label!r} is no whole number from 0 to 999"
                )
            base = names[row].rpartition("/")[2] if names else ""
            wnid, published = class_in_name(base)
            if wnid not in (None, wnids[label]):
                raise UserError(
                    f"{full_path}, row {row}: '{base}' has the label of {wnids[label]}; the labels "
                    "do not count the classes of ILSVRC2012 in their order"
                )
            path = f"{file}/{row}"
            yield (
                "train" if split == TRAIN else "test",
                path,
                wnids[label],
                published or path.replace("/", "_"),
            )


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[bytes | Undecodable]:
    return parquet.images(name, definition, raw_data, manifest=manifest, size=size)

"""Images without labels, in a directory or an archive: for pretraining alone.

All are training images, of the one label ``unlabelled``; there are no test images. Folders mean
nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import Manifest, text_column
from fourlenses.data.manifest.skipped import Skipped, with_skipped
from fourlenses.data.sources.common.image_files import (
    composed,
    find_pictures,
    no_images,
    stream_pictures,
    without_wrapping,
)
from fourlenses.study.datasets import UNLABELLED


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    path, skipped = raw_data / definition["path"], Skipped()
    manifest = find_pictures(path, name, skipped=skipped)
    if manifest.empty:
        raise no_images(name, path, skipped)
    ids = [composed(file) for file in manifest["path"]]
    _, around = without_wrapping(ids, keep=lambda _: False)
    manifest["id"] = text_column(file[around:] for file in ids)
    manifest["split"] = "train"
    manifest["level:class"] = UNLABELLED
    first = ["id", "path", "split", "width", "height"]
    manifest = manifest[[*first, *[column for column in manifest if column not in first]]]
    return with_skipped(manifest, skipped, path)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)

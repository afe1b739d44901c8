"""A dataset of the config: its manifest and its images, whatever its source.

Here stands what an entry of `datasets` may say whatever its source is: paths with ``~`` and
``$NAME`` in them, images to exclude, bands and ranges of values.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fourlenses.core.paths import expanded
from fourlenses.data.images.content import LazyImage
from fourlenses.data.images.values import ValueRule
from fourlenses.data.manifest.exclusion import without_excluded
from fourlenses.data.manifest.manifest import Manifest
from fourlenses.data.sources import source_of

# Keys that are paths, or hold several.
_PATHS = (
    "path",
    "table",
    "annotations",
    "classes",
    "hierarchy",
    "occurrences",
    "manifest",
    "exclude",
)


def index_dataset(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    """Return the manifest of a dataset, without the images that its entry excludes.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.

    Raises:
        UserError: The files are not as the entry says.
    """
    definition = with_paths(name, definition)
    manifest = source_of(definition).index(name, definition, raw_data)
    return without_excluded(manifest, name, definition, raw_data=raw_data)


def images_of_dataset(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    """Yield the image of each row of a manifest, as `fourlenses.data.sources` describes it.

    Args:
        name: Of the dataset.
        definition: Its config entry.
        raw_data: Folder that relative paths start from.
        manifest: Of the dataset.
        size: Shortest side of the stored images, px.
    """
    definition = with_paths(name, definition)
    images = source_of(definition).images(name, definition, raw_data, manifest=manifest, size=size)

    rule = ValueRule.of(definition)
    return map(rule.applied_to, images) if rule else images


def with_paths(name: str, definition: dict) -> dict:
    """Return an entry with ``~`` and environment variables filled in.

    Only where it is read: on another machine they are other paths, and the entry stays the same.
    """

    def filled(value: Any, key: str) -> Any:
        if isinstance(value, str):
            return expanded(value, key)
        if isinstance(value, list):
            return [filled(part, key) for part in value]
        return {part: filled(text, f"{key}.{part}") for part, text in value.items()}

    return {
        key: filled(value, f"datasets.{name}.{key}") if key in _PATHS else value
        for key, value in definition.items()
    }

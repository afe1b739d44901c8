"""COCO-style annotations (https://cocodataset.org/#format-data), with a single category per image.

There is a JSON file for train and one for test (as iNaturalist has them), or a single file and a
seeded split. Coarser levels are keys of the categories: ``supercategory`` where there is one, or
those that ``levels`` names (iNaturalist 2021 has ``kingdom`` to ``genus``).
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError, did_you_mean, printable
from fourlenses.data.images.content import LazyImage
from fourlenses.data.manifest.manifest import PREFIX, Manifest, text_column
from fourlenses.data.sources.common.image_files import stream_pictures
from fourlenses.data.sources.common.listed import join_pictures, read_lists

log = logging.getLogger(__name__)


def index(name: str, definition: dict, raw_data: Path) -> pd.DataFrame:
    parts = [
        (split, file, _parse(file, content))
        for split, file, content in read_lists(name, definition, raw_data, key="annotations")
    ]
    categories = _categories(name, [(file, content) for _, file, content in parts])
    labels = _labels(name, definition, categories)
    tables = [_table(file, content, split=split, labels=labels) for split, file, content in parts]
    listed = pd.concat(tables, ignore_index=True)
    return join_pictures(name, definition, raw_data, listed=listed)


def images(
    name: str, definition: dict, raw_data: Path, *, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _categories(name: str, files: list[tuple[str, dict]]) -> dict[object, dict]:
    """Return the categories of all files by their id."""
    first: dict[object, tuple[str, dict]] = {}  # the file that names a category first
    for file, content in files:
        for category in content["categories"]:
            number, label = category["id"], category.get("name")
            other_file, other = first.setdefault(number, (file, category))
            if other.get("name") != label:
                raise UserError(
                    f"dataset '{name}': category {number} is '{other.get('name')}' in {other_file} "
                    f"and '{label}' in {file}; the two have to belong together"
                )
    return {number: category for number, (_, category) in first.items()}


def _parse(file: str, content: bytes) -> dict:
    """Return an annotation file after a check of its sections and their keys."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:  # no JSON, too deep, or not UTF-8
        raise UserError(f"{file} cannot be read as JSON: {error}") from error
    needed = {
        "images": ("id", "file_name"),
        "annotations": ("image_id", "category_id"),
        "categories": ("id",),
    }
    for section, keys in needed.items():
        entries = parsed.get(section) if isinstance(parsed, dict) else None
        if not isinstance(entries, list):
            raise UserError(f"{file} is no COCO-style annotation file: it has no list '{section}'")
        for number, entry in enumerate(entries):
            lacking = next(
                (key for key in keys if not isinstance(entry, dict) or key not in entry), None
            )
            if lacking:
                raise UserError(f"{file}: entry {number} of '{section}' has no '{lacking}'")
    return parsed


def _labels(
    name: str, definition: dict, categories: dict[object, dict]
) -> dict[object, dict[str, str]]:
    """Return per category its label at every level, coarse to fine; the class is the last."""
    finest = definition.get("label", "name")
    levels = definition.get("levels")
    if levels is None:
        coarse = {category.get("supercategory") for category in categories.values()}
        is_level = len(coarse) > 1 and coarse.isdisjoint({None, "", "none"})
        levels = ["supercategory"] if is_level else []
    levels = [level for level in levels if level != finest]
    labels = {}
    for number, category in categories.items():
        for key, level in [("label", finest), *(("levels", level) for level in levels)]:
            if category.get(level) in (None, ""):
                raise UserError(
                    f"config key 'datasets.{name}.{key}': category {number} has no '{level}'"
                    f"{did_you_mean(level, category)}; it has: {', '.join(category)}"
                )
        coarser = {level: str(category[level]) for level in levels}
        labels[number] = {**coarser, "class": str(category[finest])}
    numbers: dict[str, object] = {}
    for number, label in labels.items():
        first = numbers.setdefault(label["class"], number)
        if first != number:
            raise UserError(
                f"config key 'datasets.{name}.label': categories {first} and {number} are both "
                f"called '{label['class']}'; set the key to one that tells them apart, e.g. id"
            )
    return labels


def _table(
    file: str, content: dict, *, split: str | None, labels: dict[object, dict[str, str]]
) -> pd.DataFrame:
    """Return columns file, split (None: to be drawn) and the levels of the annotated images."""
    category_of: dict[object, object] = {}
    for annotation in content["annotations"]:
        image, category = annotation["image_id"], annotation["category_id"]
        if category not in labels:
            raise UserError(
                f"{file}: image {image} is of category {category}, which 'categories' does not have"
            )
        if category_of.setdefault(image, category) != category:
            raise UserError(
                f"{file}: image {image} is of the categories {category_of[image]} and {category}; "
                "this source takes one category an image: choose one, or cut the objects out"
            )
    annotated = [image for image in content["images"] if image["id"] in category_of]
    others = [image for image in content["images"] if image["id"] not in category_of]
    if not annotated:
        raise UserError(f"{file}: none of its {len(others)} images has an annotation")
    if others:
        log.warning(
            "%s: %d images have no annotation and are left out, e.g. '%s'",
            file,
            len(others),
            printable(others[0]["file_name"]),
        )
    table = pd.DataFrame({"file": text_column(image["file_name"] for image in annotated)})
    table["split"] = text_column([split] * len(table))
    for level in next(iter(labels.values())):
        table[PREFIX + level] = text_column(
            labels[category_of[image["id"]]][level] for image in annotated
        )
    return table

"""COCO-style annotations: a JSON of ``images``, ``annotations`` and ``categories``, with one category for every image as a whole.

One JSON for train and one for test (as iNaturalist has them), or one and a seeded split. Coarser levels are keys of the categories:
``supercategory`` where there is one, or those that ``levels`` names (iNaturalist 2021 has ``kingdom`` to ``genus``).
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
        for split, file, content in read_lists(name, definition, "annotations", raw_data)
    ]
    categories = {}
    for _, file, content in parts:
        for category in content["categories"]:
            known = categories.setdefault(category["id"], (file, category))
            if known[1].get("name") != category.get("name"):
                raise UserError(
                    f"dataset '{name}': category {category['id']} is '{known[1].get('name')}' in {known[0]} "
                    f"and '{category.get('name')}' in {file}; the two have to belong together"
                )
    labels = _labels(
        name, definition, {number: category for number, (_, category) in categories.items()}
    )
    tables = [_table(name, split, file, content, labels) for split, file, content in parts]
    return join_pictures(name, definition, raw_data, pd.concat(tables, ignore_index=True))


def images(
    name: str, definition: dict, raw_data: Path, manifest: Manifest, size: int
) -> Iterator[LazyImage]:
    return stream_pictures(raw_data / definition["path"], name, manifest)


def _parse(file: str, content: bytes) -> dict:
    try:
        parsed = json.loads(content)
    except ValueError as error:  # no JSON, or not UTF-8
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
    """Per category its label at every level, coarse to fine; the class is the last."""
    finest = definition.get("label", "name")
    levels = definition.get("levels")
    if levels is None:
        coarse = {category.get("supercategory") for category in categories.values()}
        levels = (
            ["supercategory"] if len(coarse) > 1 and coarse.isdisjoint({None, "", "none"}) else []
        )
    levels = [level for level in levels if level != finest]
    labels = {}
    for number, category in categories.items():
        for key, level in [("label", finest), *(("levels", level) for level in levels)]:
            if category.get(level) in (None, ""):
                raise UserError(
                    f"config key 'datasets.{name}.{key}': category {number} has no '{level}'{did_you_mean(level, category)}; "
                    f"it has: {', '.join(category)}"
                )
        labels[number] = {
            **{level: str(category[level]) for level in levels},
            "class": str(category[finest]),
        }
    owner = {}
    for number, label in labels.items():
        if owner.setdefault(label["class"], number) != number:
            raise UserError(
                f"config key 'datasets.{name}.label': categories {owner[label['class']]} and {number} are both called '{label['class']}'; "
                "set the key to one that tells them apart, e.g. id"
            )
    return labels


def _table(
    name: str, split: str | None, file: str, content: dict, labels: dict[object, dict[str, str]]
) -> pd.DataFrame:
    category_of = {}
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
    labelled = [image for image in content["images"] if image["id"] in category_of]
    if not labelled:
        raise UserError(f"{file}: none of its {len(content['images'])} images has an annotation")
    if len(labelled) < len(content["images"]):
        without = next(
            image["file_name"] for image in content["images"] if image["id"] not in category_of
        )
        count = len(content["images"]) - len(labelled)
        log.warning(
            "%s: %d images have no annotation and are left out, e.g. '%s'",
            file,
            count,
            printable(without),
        )
    table = pd.DataFrame({"file": text_column(image["file_name"] for image in labelled)})
    table["split"] = text_column([split] * len(table))
    for level in next(iter(labels.values())):
        table[PREFIX + level] = text_column(
            labels[category_of[image["id"]]][level] for image in labelled
        )
    return table

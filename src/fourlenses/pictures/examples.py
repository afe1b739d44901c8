"""Images of a dataset as a study uses them: clean, augmented as its methods do, and corrupted.

Everything is made from the beton of clean images. The views are those that the first seed's runs
get in their first epoch. A corruption acts on the stored pixels, as when a beton is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from fourlenses.core.randomness import string_ids
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.beton.reader import Beton
from fourlenses.data.conversion.corruptions import corrupt
from fourlenses.data.loading.resident import load_images
from fourlenses.data.manifest.manifest import Manifest, labels_of, read_manifest, rows_of
from fourlenses.pictures.sheet import Row, Square, save, sheet
from fourlenses.pictures.stored import (
    drawn_rows,
    of_many_classes,
    pixels_of,
    squares_of,
    stored_images,
)
from fourlenses.study import names

IMAGES = 8


@dataclass(frozen=True, kw_only=True)
class Treatments:
    """What a study does to the images of a dataset.

    Attributes:
        augmentations: of each method, its label and the augmentation of each view.
        corruptions: their names.
        stored_size: px, of the square that views are cut from.
        image_size: px, of the views.
        seed: of the runs.
    """

    augmentations: Sequence[tuple[str, Sequence[Augmentation]]]
    corruptions: Sequence[str]
    stored_size: int
    image_size: int
    seed: int

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Self:
        """Return what `fourlenses.workflow.pictures.treatments` describes."""
        of_methods = [
            (label, [Augmentation.from_config(label, view) for view in views])
            for label, views in entry.pop("augmentations")
        ]
        return cls(augmentations=of_methods, **entry)


def draw_examples(
    dataset: str, beton: Path, manifest: Path, *, treatments: Treatments, output: Path
) -> None:
    """Draw some images of a dataset: a row for clean ones, for each view, for each corruption.

    Args:
        dataset: its name.
        beton: of its clean images.
        manifest: of the dataset.
        treatments: the rows after the first.
        output: .webp.

    Raises:
        UserError: the beton or the manifest cannot be read, or an augmentation is not valid.
    """
    drawn = example_sheet(dataset, beton, read_manifest(manifest), treatments=treatments)
    shown = len(drawn[0].groups[0])
    title = f"{names.dataset(dataset)}: {shown} training images, as pretraining gets them"
    save(sheet(title, drawn), output)


def example_sheet(
    dataset: str, beton: Path, manifest: Manifest, *, treatments: Treatments
) -> list[Row]:
    """Return the rows of the picture; the arguments are those of `draw_examples`."""
    rows = example_rows(manifest, Beton(beton))
    return [
        _row("clean", squares_of(beton, rows)),
        *view_rows(dataset, beton, rows, treatments=treatments),
        *_corrupted(beton, rows, manifest, corruptions=treatments.corruptions),
    ]


def example_rows(manifest: Manifest, beton: Beton) -> np.ndarray:
    """Return rows of training images, of as many classes as can be: int64 (at most `IMAGES`,)."""
    rows = drawn_rows(rows_of(manifest, "train"), beton.index)
    return rows[of_many_classes(labels_of(manifest)[rows])[:IMAGES]]


def view_rows(dataset: str, beton: Path, rows: np.ndarray, *, treatments: Treatments) -> list[Row]:
    """Return a row for each view of each method.

    Args:
        dataset: its name.
        beton: of its images.
        rows: int64, of the manifest.
        treatments: of which the augmentations are taken.
    """
    loaded = load_images(beton, rows, treatments.stored_size, dataset=dataset, workers=1)
    drawn = []
    for label, augmentations in treatments.augmentations:
        for view, augmentation in enumerate(augmentations):
            augment = Augment(augmentation, treatments.image_size, treatments.seed)
            views = augment(loaded.images, loaded.ids, epoch=0, view=view)
            pixels = _as_seen(views, augmentation)
            note = f"{len(pixels[0])} px, view {view + 1} of {len(augmentations)}"
            drawn.append(_row(label, list(pixels), note))
    return drawn


def _as_seen(views: torch.Tensor, augmentation: Augmentation) -> np.ndarray:
    """Views without normalisation: uint8 (B, size, size, 3)."""
    if augmentation.mean is not None and augmentation.std is not None:
        mean, std = (
            torch.tensor(values)[:, None, None] for values in (augmentation.mean, augmentation.std)
        )
        views = views * std + mean
    return (views.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def _corrupted(
    beton: Path, rows: np.ndarray, manifest: Manifest, *, corruptions: Sequence[str]
) -> list[Row]:
    numbers = string_ids([str(manifest["id"][int(row)]) for row in rows])
    pixels = [pixels_of(stored) for stored in stored_images(beton, rows)]
    drawn = []
    for name in corruptions:
        images = [
            _centre(corrupt(name, image, int(number)))
            for image, number in zip(pixels, numbers, strict=True)
        ]
        drawn.append(_row(names.corruption(name), images, "corrupted"))
    return drawn


def _row(name: str, images: Sequence[np.ndarray], note: str = "") -> Row:
    return Row(name=name, note=note, groups=[[Square(pixels=pixels) for pixels in images]])


def _centre(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))

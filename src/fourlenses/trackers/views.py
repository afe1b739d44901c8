"""The picture of views: some images of a pretraining as its method gets them in the first epoch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.pictures.examples import IMAGES, Treatments, view_rows
from fourlenses.pictures.sheet import sheet
from fourlenses.study import names


def views_picture(
    settings: Mapping[str, Any], dataset: str, *, beton: Path, rows: np.ndarray
) -> Image.Image | None:
    """Return the views of the first images of a run's first part; None where there are none.

    Args:
        settings: of run.json.
        dataset: the part's name.
        beton: of its images.
        rows: int64, of the manifest; those that the run is trained on.
    """
    views = settings["hyperparameters"].get("views", [])
    if not views or not beton.exists():
        return None
    augmentations = [Augmentation.from_config(name, settings["recipes"][name]) for name in views]
    treatments = Treatments(
        augmentations=[(settings["method"], augmentations)],
        corruptions=[],
        stored_size=settings["stored_size"],
        image_size=settings["image_size"],
        seed=settings["seed"],
    )
    drawn = view_rows(dataset, beton, rows[:IMAGES], treatments=treatments)
    return sheet(f"{names.dataset(dataset)}: views", drawn)

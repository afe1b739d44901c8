"""What is done to images before an encoder sees them. Standard library only."""

import math
from collections.abc import Mapping
from typing import Any

from fourlenses.study.vocabulary import EXTERNAL

BILINEAR, BICUBIC = "bilinear", "bicubic"
INTERPOLATIONS = (BILINEAR, BICUBIC)  # how images are scaled, both antialiased


def resized(image_size: int, crop: float) -> int:
    """Return the px that the shorter side is scaled to, before the centre is cut out.

    Rounded down, as in timm (224 px at 0.9: 248).

    Args:
        image_size: px, side of the centre.
        crop: share of the shorter side that it is, above 0 and at most 1.
    """
    return math.floor(image_size / crop + 1e-6)


def crop_of(settings: Mapping[str, Any]) -> float:
    """Return the share of the shorter side that an encoder sees, above 0 and at most 1.

    Args:
        settings: the key of that name of its run.json. An external encoder has a crop and an
            interpolation, and so has what was continued from it.
    """
    return _of_elsewhere(settings).get("crop", 1.0)


def interpolation_of(settings: Mapping[str, Any]) -> str:
    """Return by which of `INTERPOLATIONS` images are scaled. settings: see `crop_of`."""
    return _of_elsewhere(settings).get("interpolation", BILINEAR)


def normalisation_of(settings: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the mean and std that its images had; empty where they had none.

    Args:
        settings: see `crop_of`.
    """
    if settings["method"] == EXTERNAL:
        return {key: settings[key] for key in ("mean", "std")}
    views = settings["hyperparameters"].get("views", [])
    recipe = settings["recipes"][views[0]] if views else {}
    return {key: recipe[key] for key in ("mean", "std") if recipe.get(key) is not None}


def _of_elsewhere(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return settings if settings["method"] == EXTERNAL else settings.get("start") or {}

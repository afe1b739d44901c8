"""The start of a continued pretraining: what the encoder it begins with decides of its settings.

That is an external encoder, which was imported, or the study's own of fewer images.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, sha256
from fourlenses.study.layout import ENCODER, RUN
from fourlenses.study.preprocessing import BILINEAR
from fourlenses.study.smaller import steps_seen

PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}  # colours as they are


def follow_start(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a continued pretraining, completed from its start.

    Image size, crop and interpolation are the start's, and so are mean and std of every
    augmentation that names none.

    Args:
        values: as `PretrainingSettings.from_json` takes them, with the keys ``encoder`` and
            ``sha256`` under ``start``.
        folder: of the imported encoder.

    Raises:
        UserError: the folder is missing, or holds another encoder than the settings name.
    """
    start = values["start"]
    try:
        record = read_json(folder / RUN)
        given, file = record["settings"], record["external"]
    except (FileNotFoundError, KeyError) as error:
        raise UserError(
            f"{folder} holds no imported encoder ({type(error).__name__}: {error}); snakemake "
            f"imports '{start['encoder']}' before it is continued"
        ) from error
    if file["sha256"] != start["sha256"]:
        raise UserError(
            f"{folder} was imported from a file of SHA-256 {file['sha256']}, the config names "
            f"{start['sha256']}; delete the folder and run snakemake"
        )
    colours = {key: [float(value) for value in given[key]] for key in PLAIN}
    missing = {} if colours == PLAIN else colours
    return {
        **values,
        "image_size": given["image_size"],
        "recipes": {
            name: recipe if recipe.get("mean") else recipe | missing
            for name, recipe in values["recipes"].items()
        },
        "start": {
            **start,
            "weights_sha256": sha256(folder / ENCODER),
            "crop": given["crop"],
            "interpolation": given.get("interpolation", BILINEAR),
            "labels_of": file["labels_of"],
        },
    }


def follow_smaller(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a pretraining that continues one on fewer images.

    Args:
        values: as `PretrainingSettings.from_json` takes them, with the key ``source`` alone under
            ``smaller``.
        folder: of the smaller encoder.

    Raises:
        UserError: the folder holds no encoder of that source, method and seed.
    """
    wanted = {"method": values["method"], **values["smaller"], "seed": values["seed"]}
    try:
        record = read_json(folder / RUN)
        settings, effective = record["settings"], record["effective"]
        found = {key: settings[key] for key in wanted}
        own = effective["total_steps"] * effective["batch_size"]
    except (FileNotFoundError, KeyError) as error:
        raise UserError(
            f"{folder} holds no pretrained encoder ({type(error).__name__}: {error}); snakemake "
            f"pretrains '{values['smaller']['source']}' before it is continued"
        ) from error
    if found != wanted:
        raise UserError(
            f"{folder} holds the encoder {found}, to be continued is {wanted}; name the folder of "
            "that one by --start"
        )
    return {
        **values,
        "smaller": {
            **values["smaller"],
            "weights_sha256": sha256(folder / ENCODER),
            "steps": steps_seen(settings, effective),
            "images": own + settings.get("smaller", {}).get("images", 0),
        },
    }

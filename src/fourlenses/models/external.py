"""Import of an external encoder: weights from elsewhere, in the files of a pretraining.

The file is read once, checked and fitted to its architecture; what is evaluated is a copy in
float32 under the architecture's own names, next to a record of the shape of a pretraining's.
"""

import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from fourlenses.core.errors import UserError
from fourlenses.core.files import sha256, write_json
from fourlenses.core.paths import expanded
from fourlenses.core.software import git_commit, versions
from fourlenses.models.architectures import (
    Preprocessing,
    build_architecture,
    check_image_size,
    own_preprocessing,
    split_architecture,
)
from fourlenses.models.card import facts_of
from fourlenses.models.checkpoints import files_of, read_states
from fourlenses.models.fit import Match, fit_state
from fourlenses.models.weights import save_weights
from fourlenses.study.layout import ENCODER, RUN
from fourlenses.study.vocabulary import EXTERNAL

UNKNOWN_OVERLAP = (
    "whether its pretraining images include test images of a target cannot be known from the "
    "weights; labels_of names the datasets that it is known to have seen"
)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A completed entry of `encoders`; see docs/reference/encoders.md.

    Attributes:
        weights: the file, relative to the folder of raw data.
        sha256: of the file; of an index and its shards, one after the other.
        image_size, crop, mean, std, interpolation: None: the architecture's own.
        stored_size: px, shortest side of the images that it is evaluated on.
    """

    architecture: str
    weights: str
    sha256: str
    stored_size: int
    pretrained_on: str
    pretrain_images: int
    match: Match = "names"
    prefix: str | None = None
    image_size: int | None = None
    crop: float | None = None
    mean: list[float] | None = None
    std: list[float] | None = None
    interpolation: str | None = None
    labels_of: list[str] = field(default_factory=list)
    licence: str = ""

    @classmethod
    def from_config(cls, entry: dict[str, Any]) -> Self:
        return cls(**entry)

    def preprocessing(self) -> Preprocessing:
        """Return how its images are to be; what is not declared is the architecture's own.

        Raises:
            UserError: the architecture has none, and there is no image size in the entry.
        """
        default = own_preprocessing(self.architecture)
        if default is None:
            if self.image_size is None:
                raise UserError(
                    f"'image_size' is not given, and the architecture '{self.architecture}' has "
                    "none; say what the weights were trained with"
                )
            default = Preprocessing(
                image_size=self.image_size, crop=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
            )
        return Preprocessing(
            image_size=self.image_size or default.image_size,
            crop=self.crop or default.crop,
            mean=_triple(self.mean) or default.mean,
            std=_triple(self.std) or default.std,
            interpolation=self.interpolation or default.interpolation,
        )


def import_encoder(name: str, declared: Declared, *, raw_data: Path, output: Path) -> None:
    """Write encoder.safetensors and, last, run.json into the folder ``output``.

    Args:
        name: of the entry.
        raw_data: the folder that the path of the weights starts from.

    Raises:
        UserError: the file is missing, changed or does not fit; the architecture is not known or
            refuses the image size; the stored images are too small for it.
    """
    began = time.monotonic()
    try:
        file = raw_data / expanded(declared.weights, f"encoders.{name}.weights")
        _check_file(file, declared.sha256)
        given = declared.preprocessing()
        _check_stored(declared, given)
        network, _ = build_architecture(declared.architecture, seed=0, image_size=given.image_size)
        fitted = fit_state(
            read_states(file),
            network,
            file=file,
            architecture=declared.architecture,
            match=declared.match,
            prefix=declared.prefix,
        )
        network.load_state_dict(fitted.state)
        width = check_image_size(network, given.image_size, name=declared.architecture)
    except UserError as error:
        raise UserError(f"encoder '{name}': {error}") from error
    output.mkdir(parents=True, exist_ok=True)
    notes = [*fitted.notes, *_notes(declared)]
    record = _record(name, declared, given, width=width, notes=notes)
    save_weights(network, output / ENCODER, metadata=facts_of(record))
    record["wall_time_seconds"] = round(time.monotonic() - began, 3)
    write_json(output / RUN, record)


def _check_file(file: Path, expected: str) -> None:
    if not file.is_file():
        raise UserError(f"{file} does not exist; put the weights there, or mend 'weights'")
    files = files_of(file)
    actual = sha256(*files)
    if actual != expected.lower():
        raise UserError(
            f"{file} is not the file that the config names: its SHA-256 "
            f"{'with its shards ' if len(files) > 1 else ''}is {actual}, 'sha256' says "
            f"{expected.lower()}; get it again, or mend 'sha256'"
        )


def _check_stored(declared: Declared, given: Preprocessing) -> None:
    if declared.stored_size < given.resized:
        raise UserError(
            f"images of {given.image_size} px at crop {given.crop:g} are cut from {given.resized} "
            f"px, but stored_size is {declared.stored_size}; say `stored_size: {given.resized}`"
        )


def _notes(declared: Declared) -> list[str]:
    notes = [UNKNOWN_OVERLAP]
    if declared.licence:
        notes.append(
            f"licence of the weights: {declared.licence}; whether it allows this use is for you "
            "to check"
        )
    return notes


def _record(
    name: str, declared: Declared, given: Preprocessing, *, width: int, notes: list[str]
) -> dict[str, Any]:
    """Return run.json, but for the seed of a run."""
    return {
        "settings": {
            "method": EXTERNAL,
            "backbone": declared.architecture,
            "source": name,
            "stored_size": declared.stored_size,
            "image_size": given.image_size,
            "crop": given.crop,
            "mean": list(given.mean),
            "std": list(given.std),
            "interpolation": given.interpolation,
            "hyperparameters": {},
            "recipes": {},
        },
        "effective": {"images": declared.pretrain_images, "feature_width": width},
        "external": {
            "weights": declared.weights,
            "sha256": declared.sha256.lower(),
            "pretrained_on": declared.pretrained_on,
            "pretrain_images": declared.pretrain_images,
            "labels_of": declared.labels_of,
            "licence": declared.licence,
        },
        "datasets": [],
        "notes": notes,
        "not_converged": None,
        "collapsed": None,
        "device": platform.processor() or platform.machine(),
        "versions": versions("torch", *_library(declared)),
        "git_commit": git_commit(),
    }


def _library(declared: Declared) -> list[str]:
    library, _ = split_architecture(declared.architecture)
    return [library] if library else []


def _triple(values: list[float] | None) -> tuple[float, float, float] | None:
    if values is None:
        return None
    red, green, blue = values
    return red, green, blue

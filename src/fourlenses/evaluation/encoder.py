"""A finished pretraining run: its encoder, and how its images were normalised."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from torch import nn

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, sha256
from fourlenses.core.randomness import named_seed
from fourlenses.models.architectures import build_architecture
from fourlenses.models.weights import load_weights
from fourlenses.study import Run, parse_source
from fourlenses.study.layout import ENCODER, RUN
from fourlenses.study.preprocessing import (
    crop_of,
    interpolation_of,
    normalisation_of,
    resized,
)
from fourlenses.study.vocabulary import EXTERNAL


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A run's directory with the content of its run.json.

    Attributes:
        directory: with encoder.safetensors.
        settings: everything that affects the weights.
        effective: what came of them (images, total_steps, …); empty for a random encoder.
        labels_of: datasets whose images or labels an external encoder, or the one that the run
            was continued from, is known to have seen.
        not_converged: a sentence if the loss still fell at the end, else None; None also for
            records of an earlier version.
    """

    directory: Path
    settings: dict[str, Any]
    effective: dict[str, Any]
    not_converged: str | None = None
    labels_of: tuple[str, ...] = ()

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the run that wrote ``directory``.

        Raises:
            UserError: there is no run.json, or it is none of this project.
        """
        file = directory / RUN
        try:
            record = read_json(file)
            settings = record["settings"]
            run = cls(
                directory=directory,
                settings=settings,
                effective=record["effective"],
                not_converged=record.get("not_converged"),
                labels_of=tuple(
                    (settings.get("start") or record.get("external", {})).get("labels_of", ())
                ),
            )
            for key in ("method", "source", "seed", "backbone", "image_size", "stored_size"):
                _ = settings[key]
        except FileNotFoundError as error:
            raise UserError(
                f"{file} is missing; name the directory of a finished pretraining run"
            ) from error
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise UserError(
                f"{file} is no record of a pretraining run ({type(error).__name__}: {error}); "
                "pretrain again"
            ) from error
        return run

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings["seed"]

    @property
    def name(self) -> str:
        """Of the run, ``<method>/<source>/seed<seed>``."""
        return Run(self.settings["method"], self.settings["source"], self.seed).name

    def trained_with_labels_of(self, dataset: str) -> bool:
        """Return whether the method is supervised and was trained on images of that dataset.

        An external encoder, and what was continued from it, was where the config says so.
        Then it may know any of the dataset's training labels by heart, and an accuracy on some of
        them says nothing about new images.
        """
        if self.external or dataset in self.labels_of:
            return dataset in self.labels_of
        method = self.settings["hyperparameters"].get("method", self.settings["method"])
        sources = parse_source(self.settings["source"])
        return method == "supervised" and any(part.dataset == dataset for part in sources)

    def pretrained(self) -> tuple[nn.Module, int]:
        """Return the encoder with its trained weights, and the width of its features."""
        file = self.directory / ENCODER
        if not file.exists():
            raise UserError(f"{file} is missing; name the directory of a finished pretraining run")
        encoder, width = self._network(0)
        return load_weights(encoder, file), width

    def initial(self) -> tuple[nn.Module, int]:
        """Return the initialisation that the run started from.

        It is also the encoder of the method ``random`` for its seed.
        """
        return self._network(named_seed(self.seed, "encoder"))

    def _network(self, seed: int) -> tuple[nn.Module, int]:
        settings = self.settings
        return build_architecture(
            settings["backbone"], seed=seed, image_size=settings["image_size"]
        )

    @property
    def external(self) -> bool:
        """Whether it was imported, not pretrained by this study."""
        return self.settings["method"] == EXTERNAL

    @property
    def image_size(self) -> int:
        """Side of the images that it sees, px."""
        return self.settings["image_size"]

    @property
    def stored_size(self) -> int:
        """Shortest side of the stored images that it takes, px."""
        return self.settings["stored_size"]

    @property
    def crop(self) -> float:
        """Share of the shorter side of an image that it sees, above 0 and at most 1."""
        return crop_of(self.settings)

    @property
    def resized(self) -> int:
        """Side that images are scaled to before their centre is cut out, px."""
        return resized(self.image_size, self.crop)

    @property
    def interpolation(self) -> str:
        """One of `INTERPOLATIONS`, by which images are scaled."""
        return interpolation_of(self.settings)

    def normalisation(self) -> dict[str, list[float]]:
        """Return the mean and std that the encoder's images had; empty where they had none."""
        return normalisation_of(self.settings)

    @cached_property
    def weights_sha256(self) -> str:
        """Of encoder.safetensors."""
        return sha256(self.directory / ENCODER)

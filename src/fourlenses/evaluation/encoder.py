"""A finished pretraining run as evaluation sees it: its encoder, how its images were normalised, and what a table says of it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from torch import nn

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, sha256
from fourlenses.core.randomness import named_seed
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import load_weights
from fourlenses.study import Run, parse_source
from fourlenses.study.layout import ENCODER, RUN

PRETRAINING, TRAINING = (
    "pretraining",
    "training",
)  # what a row of metrics.csv may say of `not_converged`, joined by ";"


@dataclass(frozen=True)
class Encoder:
    """settings and effective are those of the run's run.json; effective is empty for a random encoder.

    not_converged: the sentence there, if its loss still fell at the end; None also for records of an earlier version, which have none.
    """

    directory: Path
    settings: dict
    effective: dict
    not_converged: str | None = None

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The run that wrote ``directory``.

        Raises:
            UserError: there is no run.json, or it is none of this project.
        """
        file = directory / RUN
        try:
            record = read_json(file)
            run = cls(
                directory, record["settings"], record["effective"], record.get("not_converged")
            )
            _ = (
                run.name,
                run.settings["backbone"],
                run.settings["image_size"],
                run.settings["stored_size"],
            )
        except FileNotFoundError as error:
            raise UserError(
                f"{file} is missing; name the directory of a finished pretraining run"
            ) from error
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise UserError(
                f"{file} is no record of a pretraining run ({type(error).__name__}: {error}); pretrain again"
            ) from error
        return run

    @property
    def seed(self) -> int:
        return self.settings["seed"]

    @property
    def name(self) -> str:
        return self._run.name

    def trained_with_labels_of(self, dataset: str) -> bool:
        """Whether the method is supervised and images of that dataset are among those it was pretrained on. Then it may know any of the
        dataset's training labels by heart, and an accuracy on some of them says nothing of new images."""
        method = self.settings["hyperparameters"].get("method", self.settings["method"])
        return method == "supervised" and any(
            part.dataset == dataset for part in parse_source(self.settings["source"])
        )

    def pretrained(self) -> tuple[nn.Module, int]:
        """The encoder as it was left, and the width of its features."""
        file = self.directory / ENCODER
        if not file.exists():
            raise UserError(f"{file} is missing; name the directory of a finished pretraining run")
        encoder, width = build_backbone(self.settings["backbone"], 0)
        return load_weights(encoder, file), width

    def initial(self) -> tuple[nn.Module, int]:
        """The initialisation that the run started from, which is also the method ``random`` of its seed."""
        return build_backbone(self.settings["backbone"], named_seed(self.seed, "encoder"))

    def normalisation(self) -> dict:
        """mean and std of the run's views, which its encoder expects; empty where they had none."""
        views = self.settings["hyperparameters"].get("views", [])
        recipe = self.settings["recipes"][views[0]] if views else {}
        return {key: recipe[key] for key in ("mean", "std") if recipe.get(key) is not None}

    @cached_property
    def weights_sha256(self) -> str:
        return sha256(self.directory / ENCODER)

    def columns(self) -> dict:
        """What metrics.csv says of the encoder."""
        return {
            "method": self.settings["method"],
            "backbone": self.settings["backbone"],
            "source": self.settings["source"],
            "pretrain_images": self.effective.get("images", 0),
            "steps": self.effective.get("total_steps", 0),
            "epochs": round(self.effective.get("effective_epochs", 0), 3),
            "corruption": self._run.corruption,
            "seed": self.seed,
            "run": self.name,
            "image_size": self.settings["image_size"],
            "not_converged": PRETRAINING if self.not_converged else "",
        }

    @property
    def _run(self) -> Run:
        return Run(self.settings["method"], self.settings["source"], self.settings["seed"])

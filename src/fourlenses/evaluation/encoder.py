"""A pretrained encoder as evaluation meets it: a directory that pretraining wrote."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import nn

from fourlenses.errors import UserError
from fourlenses.files import read_json
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import load_weights
from fourlenses.study import Run


@dataclass(frozen=True)
class Encoder:
    """directory: of encoder.safetensors and run.json. fingerprint: SHA-256 of the weights. mean, std: of its inputs, as in training."""

    directory: Path
    fingerprint: str
    settings: dict
    effective: dict

    @classmethod
    def read(cls, directory: Path) -> Self:
        """
        Raises:
            UserError: run.json is not that of a run.
        """
        record = read_json(directory / "run.json")
        if not isinstance(record, dict) or not {"settings", "effective"} <= record.keys():
            raise UserError(f"{directory / 'run.json'} is not the record of a pretraining run; delete the directory and pretrain again")
        with open(directory / "encoder.safetensors", "rb") as file:
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(directory, fingerprint, record["settings"], record["effective"])

    @property
    def run(self) -> Run:
        return Run(self.settings["method"], self.settings["source"], self.settings["seed"])

    @property
    def normalisation(self) -> tuple[list[float] | None, list[float] | None]:
        """mean and std of the run's views, if they have any."""
        views = self.settings["hyperparameters"].get("views", [])
        recipe = self.settings["recipes"][views[0]] if views else {}
        return recipe.get("mean"), recipe.get("std")

    def load(self) -> nn.Module:
        """
        Raises:
            UserError: the file is damaged, or of another architecture than the record says.
        """
        network, _ = build_backbone(self.settings["backbone"], 0)
        return load_weights(network, self.directory / "encoder.safetensors")

    def describe(self) -> dict:
        """How it was made, in the columns of the table; a random encoder was trained on 0 images for 0 steps."""
        return {
            "method": self.settings["method"],
            "backbone": self.settings["backbone"],
            "source": self.settings["source"],
            "pretrain_images": self.effective.get("images", 0),
            "steps": self.effective.get("total_steps", 0),
            "epochs": round(self.effective.get("effective_epochs", 0), 3),
            "corruption": self.run.corruption,
            "seed": self.settings["seed"],
            "run": self.run.name,
        }

"""What decides the numbers of an evaluation that trains: its settings and hyper-parameters."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from fourlenses.core.dataclass_keys import check_keys
from fourlenses.core.files import sha256
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.task import Task
from fourlenses.evaluation.record import encoder_columns
from fourlenses.study.preprocessing import BILINEAR
from fourlenses.study.vocabulary import FROM_SCRATCH
from fourlenses.training.settings import TrainingData


@dataclass(frozen=True, kw_only=True)
class FinetuningHyperparameters:
    """The hyper-parameters of a protocol, as a rule of the workflow passes them.

    They are those of presets/protocols/<protocol>.yaml, where ``views`` is ``augmentations``.
    """

    views: list[str]  # the augmentation trained on, by name: one
    test_crop: float  # share of the central square's side that is tested on, in (0, 1]
    epochs: float  # passes over the labels
    min_steps: int  # bounds on the updates of that many epochs
    max_steps: int
    batch_size: int  # images, over all processes
    optimizer: str
    learning_rates: list[float]  # before scaling, to choose from
    lr_scaling: str
    momentum: float
    weight_decays: list[float]  # to choose from
    warmup_share: float  # of the steps, in [0, 1)
    micro_batch: int  # most images that pass through the encoder at a time; 0 for all
    label_smoothing: float  # share of the target spread over all classes, in [0, 1)
    # shares of the views' size, one for each equal part of the steps
    progressive_sizes: list[float] | None = None

    @classmethod
    def from_json(cls, protocol: str, values: Mapping[str, Any]) -> Self:
        """The hyper-parameters of the protocol of that name.

        Raises:
            UserError: a key is unknown or missing; the message names it.
        """
        check_keys(values, cls, where=f"protocol '{protocol}'")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class FinetuningSettings:
    """Everything that decides the numbers, besides encoder and images.

    Attributes:
        recipe: the augmentation of the views, without mean and std, which are the encoder's.
        stored_size, image_size: side of the images in the beton, and of the views; pixels.
        validation_fraction: share of the labels that a candidate is chosen on.
        precision: float32, bfloat16, or auto: bfloat16 on a GPU.
    """

    protocol: str
    hyperparameters: FinetuningHyperparameters
    recipe: dict[str, Any]
    stored_size: int
    image_size: int
    validation_fraction: float
    torch_threads: int
    precision: str = "float32"
    channels_last: bool = True

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values; keys from before there were progressive sizes stay."""
        values = asdict(self)
        if self.hyperparameters.progressive_sizes is None:
            del values["hyperparameters"]["progressive_sizes"]
        return values


def fingerprints(encoder: Encoder, task: Task, settings: FinetuningSettings) -> dict[str, Any]:
    """Return the content of what is trained from and on, as SHA-256: ``encoders`` and ``beton``."""
    (data,) = TrainingData([task.dataset], [task.beton], [task.subset]).fingerprints()
    encoders = [] if settings.protocol in FROM_SCRATCH else [encoder.weights_sha256]
    return {"encoders": encoders, "beton": data["beton_sha256"]}


def made_from(encoder: Encoder, task: Task, settings: FinetuningSettings) -> dict[str, Any]:
    """Return what decides the record, but not the trainings.

    That is what the encoder is called, and what the manifest calls the test images.
    """
    return {
        "run": encoder_columns([encoder]),
        "manifest_sha256": sha256(task.manifest),
        "beton_sha256": fingerprints(encoder, task, settings)["beton"],
    }


def evaluation_key(encoder: Encoder, task: Task, settings: FinetuningSettings) -> str:
    """Return a short hash of settings, encoder and images, which checkpoints are named after.

    Checkpoints of one key are never used by another evaluation.
    """
    prints = [fingerprints(encoder, task, settings), sha256(task.subset), task.dataset]
    start = [encoder.settings["backbone"], encoder.seed, encoder.normalisation()]
    start += [encoder.crop] if encoder.external else []  # that candidates are validated on
    start += [encoder.interpolation] if encoder.interpolation != BILINEAR else []
    text = json.dumps([settings.as_json(), prints, *start], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

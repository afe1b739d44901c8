"""What decides the weights of a pretraining: its settings, its hyper-parameters and its images."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from fourlenses.core.dataclass_keys import check_keys, filled, keys_of
from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.loading.inputs import Part
from fourlenses.methods import method_class
from fourlenses.study.preprocessing import BILINEAR
from fourlenses.study.vocabulary import RANDOM_INIT


@dataclass(frozen=True, kw_only=True)
class CommonHyperparameters:
    """The keys of an entry of `methods` that every method has, under a job's names for them.

    A duration is in epochs or in steps; None stands for the other.
    """

    method: str  # the method itself; the entry may have another name
    preset: str | None = None  # that the entry was completed from
    views: list[str]  # the augmentation of each view, by name
    batch_size: int  # source images, over all processes
    epochs: float | None = None
    steps: int | None = None
    optimizer: str
    learning_rate: float  # before scaling
    lr_scaling: str
    momentum: float
    weight_decay: float
    warmup_epochs: float | None = None
    warmup_steps: int | None = None
    frozen_share: float | None = None  # of the steps, at first, in which only the head learns
    # shares of the views' size, one for each equal part of the steps
    progressive_sizes: list[float] | None = None
    batch_norm_groups: int
    micro_batch: int  # most images that are embedded at a time; 0 for all


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(CommonHyperparameters):
    """An entry of `methods`, completed from its preset, as a rule of the workflow passes it.

    A config's key ``augmentations`` is ``views`` there (`config.job_settings`).

    Attributes:
        method_keys: the keys that only this method reads, an instance of its ``Settings``.
    """

    method_keys: Any

    @classmethod
    def from_json(cls, entry: str, values: Mapping[str, Any]) -> Self:
        """The hyper-parameters of the entry of that name.

        Raises:
            UserError: a key is unknown or missing; the message names it.
        """
        settings_class = method_class(values.get("method", entry)).Settings
        check_keys(values, CommonHyperparameters, settings_class, where=f"method '{entry}'")
        common = {key: values[key] for key in keys_of(CommonHyperparameters) if key in values}
        return cls(**common, method_keys=filled(settings_class, values))

    def as_json(self) -> dict[str, Any]:
        """The entry as `from_json` takes it."""
        common = {key: getattr(self, key) for key in keys_of(CommonHyperparameters)}
        given = {key: value for key, value in common.items() if value is not None}
        return {**given, **asdict(self.method_keys)}


@dataclass(frozen=True, kw_only=True)
class Start:
    """The external encoder that a pretraining continues.

    Attributes:
        encoder: its name in `encoders` of the config.
        sha256: of its file, as the config declares it.
        weights_sha256: of the imported encoder.safetensors, which the encoder begins with.
        crop: share of the shorter side of an image that it sees in evaluation, above 0, at most 1.
        labels_of: datasets whose images or labels it is known to have seen.
        interpolation: one of `INTERPOLATIONS`, by which images are scaled in evaluation.
    """

    encoder: str
    sha256: str
    weights_sha256: str
    crop: float
    labels_of: list[str]
    interpolation: str = BILINEAR

    def as_json(self) -> dict[str, Any]:
        """The start as run.json holds it."""
        values = asdict(self)
        if self.interpolation == BILINEAR:  # keys of checkpoints from before there was another stay
            del values["interpolation"]
        return values


@dataclass(frozen=True, kw_only=True)
class Smaller:
    """The encoder of fewer images that a pretraining continues.

    Attributes:
        source: what it was pretrained on.
        weights_sha256: of its encoder.safetensors.
        steps: updates behind its weights, those of still smaller encoders included.
        images: source images behind them, each as often as it came.
    """

    source: str
    weights_sha256: str
    steps: int
    images: int


@dataclass(frozen=True, kw_only=True)
class PretrainingSettings:
    """Everything that decides the weights of an encoder, besides the images.

    Attributes:
        entry: the name in `methods` of the config; its method is `hyperparameters.method`.
        source: what is pretrained on, as `study.parse_source` reads it.
        stored_size, image_size: side of the images in the beton, and of the views; pixels.
        hyperparameters: of the entry; None for the entry that trains nothing.
        recipes: augmentations by name, those of the views, as in the config.
        start: None where the encoder begins with no external encoder's weights.
        smaller: None where it does not begin with those of fewer images.
        precision: float32, bfloat16, or auto: bfloat16 on a GPU.
        compile: let torch.compile work on the encoder.
        health_images: how many images the collapse monitor measures, 0 for none; they change no
            weight. `training.monitor_images` of a config (`config.job_settings`).
    """

    entry: str
    backbone: str
    source: str
    seed: int
    stored_size: int
    image_size: int
    torch_threads: int
    hyperparameters: Hyperparameters | None
    recipes: dict[str, dict]
    start: Start | None = None
    smaller: Smaller | None = None
    precision: str = "float32"
    channels_last: bool = True
    compile: bool = False
    health_images: int = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The settings that `as_json` or a rule of the workflow wrote.

        There the entry is called ``method``, as in the columns of metrics.csv.

        Raises:
            UserError: a key is unknown or missing; the message names it.
        """
        given = dict(values)
        if "method" not in given:
            raise UserError("the settings of a pretraining lack the key 'method'")
        entry, hyperparameters = given.pop("method"), given.get("hyperparameters", {})
        check_keys([*given, "entry"], cls, where="the settings of a pretraining")
        untrained = entry == RANDOM_INIT
        given["hyperparameters"] = (
            None if untrained else Hyperparameters.from_json(entry, hyperparameters)
        )
        if given.get("start") is not None:
            check_keys(given["start"], Start, where="the start of a pretraining")
            given["start"] = filled(Start, given["start"])
        if given.get("smaller") is not None:
            check_keys(given["smaller"], Smaller, where="the smaller encoder of a pretraining")
            given["smaller"] = filled(Smaller, given["smaller"])
        return cls(entry=entry, **given)

    def as_json(self) -> dict[str, Any]:
        """The settings as `from_json` takes them, and as run.json holds them."""
        values = {key: getattr(self, key) for key in keys_of(type(self)) if key != "entry"}
        # left out where there is none: keys of checkpoints stay
        start, smaller = values.pop("start"), values.pop("smaller")
        hyper = self.hyperparameters
        return {
            "method": self.entry,
            **values,
            **({} if start is None else {"start": start.as_json()}),
            **({} if smaller is None else {"smaller": asdict(smaller)}),
            "hyperparameters": {} if hyper is None else hyper.as_json(),
        }


@dataclass(frozen=True)
class TrainingData:
    """What is trained on, part by part.

    Attributes:
        datasets: the parts' dataset names.
        betons: a beton of each.
        subsets: a file of the manifest rows to use of each (.npy, int64).
        start: the encoder.safetensors that the settings' start, or smaller encoder, names.
    """

    datasets: list[str]
    betons: list[Path]
    subsets: list[Path]
    _: KW_ONLY
    start: Path | None = None

    def parts(self) -> list[Part]:
        """The parts as `choose_input` takes them."""
        rows = [np.load(subset, allow_pickle=False) for subset in self.subsets]
        return list(zip(self.betons, rows, self.datasets, strict=True))

    def fingerprints(self) -> list[dict[str, Any]]:
        """The content of each part, by hashes.

        A beton's hash is that of its sidecar, None where it has none: hashing 200 GB again for
        every run would take longer than starting it.
        """
        prints = []
        for dataset, beton, subset in zip(self.datasets, self.betons, self.subsets, strict=True):
            sidecar = beton.with_suffix(".json")
            known = read_json(sidecar)["content_sha256"] if sidecar.exists() else None
            prints.append(
                {
                    "dataset": dataset,
                    "beton": beton.name,
                    "beton_sha256": known,
                    "subset_sha256": hashlib.sha256(subset.read_bytes()).hexdigest(),
                }
            )
        return prints


def run_key(settings: PretrainingSettings, fingerprints: list[dict[str, Any]]) -> str:
    """Return a short hash of settings and images, which checkpoints are named after.

    Checkpoints of one key are never used by a run of another.
    """
    text = json.dumps([settings.as_json(), fingerprints], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""Pretraining runs small enough for a test: a few dozen images, a second or two."""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from fourlenses.data.manifest.subsets import draw_subset
from fourlenses.methods import METHODS
from fourlenses.resume.placement import Placement
from fourlenses.resume.result_cache import FOLDER
from fourlenses.training.pretrain import pretrain
from fourlenses.training.settings import Hyperparameters, PretrainingSettings, TrainingData
from tests.helpers.conversions import convert_folder
from tests.helpers.tiny import SETTINGS

RECIPES = {
    "strong": {
        "crop_scale": [0.2, 1.0],
        "crop_ratio": [0.75, 1.33],
        "flip": 0.5,
        "jitter": [0.8, 0.8, 0.8, 0.2],
        "jitter_probability": 0.8,
    },
    "small": {"crop_scale": [0.05, 0.4], "flip": 0.5, "size": 0.5},
}
COMMON = {
    "epochs": 6,
    "batch_size": 16,
    "optimizer": "adamw",
    "learning_rate": 0.002,
    "lr_scaling": "none",
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "warmup_epochs": 1,
    "batch_norm_groups": 1,
    "micro_batch": 0,
}


def make_dataset(folder: Path, image_folder: Path) -> Path:
    """``folder`` with a beton of 24 px and a subset of all of its training images."""
    manifest = convert_folder(image_folder, folder / "clean.beton", size=24)
    np.save(
        folder / "all.npy", draw_subset(manifest, set(), subset="all", seed=0, dataset="animals")
    )
    return folder


def settings(
    method: str = "simclr", backbone: str = "resnet_small", **changes
) -> PretrainingSettings:
    computed = {
        key: changes.pop(key)
        for key in ("precision", "channels_last", "health_images")
        if key in changes
    }
    hyper = None if method == "random" else hyperparameters(method, **changes)
    used = hyper.views if hyper else ["strong"]
    return PretrainingSettings(
        entry=method,
        backbone=backbone,
        source="animals-all",
        seed=0,
        stored_size=24,
        image_size=16,
        torch_threads=1,
        hyperparameters=hyper,
        recipes={name: RECIPES[name] for name in used},
        **computed,
    )


def hyperparameters(method: str, **changes) -> Hyperparameters:
    views = ["strong"] * METHODS[method].views_needed
    values = {"method": method, **COMMON, **SETTINGS[method], "views": views, **changes}
    return Hyperparameters.from_json(method, values)


def data(folder: Path, start: Path | None = None) -> TrainingData:
    return TrainingData(["animals"], [folder / "clean.beton"], [folder / "all.npy"], start=start)


def forget_finished(checkpoints: Path) -> None:
    """So that the same training is made again, to be compared with the former."""
    for folder in checkpoints.glob(f"*/{FOLDER}"):
        shutil.rmtree(folder)


def left_behind(checkpoints: Path) -> set[str]:
    """What lies in the folders of all runs there, by name."""
    return {file.name for file in checkpoints.glob("*/*")}


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name; nothing where there is none."""
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


def go(
    folder: Path, name: str, chosen: PretrainingSettings, start: Path | None = None, **placement
) -> tuple[dict[str, torch.Tensor], dict]:
    """Pretrain into ``folder / name``, again if it has been done; encoder's tensors and record."""
    forget_finished(folder / "checkpoints")
    out = folder / name
    where = {"device": "cpu", "checkpoint_seconds": 1e9, **placement}
    placement = Placement(folder / "checkpoints", **where)
    pretrain(chosen, data(folder, start), placement=placement, output=out)
    return load_file(out / "encoder.safetensors"), json.loads((out / "run.json").read_text())


def same(state: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return state.keys() == other.keys() and all(
        torch.equal(state[name], other[name]) for name in state
    )

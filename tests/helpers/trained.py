"""Evaluations by training small enough for a test: three colours, 24 images each, seconds."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from fourlenses.core.files import write_json
from fourlenses.core.randomness import named_seed
from fourlenses.data.manifest.manifest import write_manifest
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.evaluate import finetune_and_test
from fourlenses.evaluation.finetuning.record import FinetuningRecord
from fourlenses.evaluation.finetuning.settings import (
    FinetuningHyperparameters,
    FinetuningSettings,
)
from fourlenses.evaluation.finetuning.task import Task
from fourlenses.evaluation.predictions import TargetPredictions
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import save_weights
from fourlenses.resume.placement import Placement
from tests.helpers.conversions import convert_folder
from tests.helpers.runs import forget_finished

COLOURS = {"blue": (60, 60, 150), "green": (60, 150, 60), "red": (150, 60, 60)}
TRAIN, TEST = 24, 12  # images of each colour
CROP = {"crop_scale": [0.5, 1.0], "crop_ratio": [0.75, 1.33], "flip": 0.5}
HYPER = {
    "views": ["crop"],
    "test_crop": 1.0,
    "epochs": 2,
    "min_steps": 12,
    "max_steps": 40,
    "batch_size": 16,
    "optimizer": "nesterov",
    "learning_rates": [0.1],
    "lr_scaling": "none",
    "momentum": 0.9,
    "weight_decays": [0.0001],
    "warmup_share": 0.1,
    "micro_batch": 0,
    "label_smoothing": 0.0,
}


def make_target(folder: Path) -> Task:
    """Smooth noise with a tint by class: a folder of images and its beton of 16 px.

    With subsets ``all`` (72) and ``few`` (12).
    """
    rng = np.random.default_rng(0)
    for split, count in (("train", TRAIN), ("val", TEST)):
        for name, colour in COLOURS.items():
            (folder / "colours" / split / name).mkdir(parents=True)
            for number in range(count):
                noise = rng.integers(-60, 61, (4, 4, 3)) + np.array(colour)
                picture = Image.fromarray(noise.clip(0, 255).astype(np.uint8)).resize(
                    (20, 20), Image.Resampling.BICUBIC
                )
                buffer = io.BytesIO()
                picture.save(buffer, "JPEG", quality=90)
                (folder / "colours" / split / name / f"{number}.jpg").write_bytes(buffer.getvalue())
    manifest = convert_folder(folder / "colours", folder / "clean.beton", size=16, name="colours")
    write_manifest(manifest, folder / "manifest.parquet")
    train = np.flatnonzero(np.asarray(manifest["split"]) == "train")
    np.save(folder / "all.npy", train)
    np.save(folder / "few.npy", train[:: len(train) // 12][:12])
    return task(folder)


def task(folder: Path, subset: str = "all") -> Task:
    return Task(
        dataset="colours",
        beton=folder / "clean.beton",
        manifest=folder / "manifest.parquet",
        subset=folder / f"{subset}.npy",
    )


def make_encoder(folder: Path, method: str = "simclr", seed: int = 0, **recipe) -> Encoder:
    """A run's directory.

    Of the method ``random`` with the initialisation of its seed, of others with other weights.
    """
    initial = named_seed(seed, "encoder") if method == "random" else 77
    network, _ = build_backbone("resnet_small", initial)
    save_weights(network, folder / "encoder.safetensors")
    views = (
        {"hyperparameters": {"views": ["crop"]}, "recipes": {"crop": recipe}}
        if recipe
        else {"hyperparameters": {}, "recipes": {}}
    )
    named = {
        "method": method,
        "backbone": "resnet_small",
        "source": "none" if method == "random" else "colours-all",
        "seed": seed,
    }
    settings = {**named, "image_size": 16, "stored_size": 16, **views}
    write_json(folder / "run.json", {"settings": settings, "effective": {}})
    return Encoder.read(folder)


def hyperparameters(**changes) -> FinetuningHyperparameters:
    return FinetuningHyperparameters.from_json("fine_tune", HYPER | changes)


def settings(protocol: str, validation_fraction: float = 0.25, **changes) -> FinetuningSettings:
    return FinetuningSettings(
        protocol=protocol,
        hyperparameters=hyperparameters(**changes),
        recipe=CROP,
        stored_size=16,
        image_size=16,
        validation_fraction=validation_fraction,
        torch_threads=1,
    )


def outcome(
    encoder: Encoder, target: Task, chosen: FinetuningSettings, checkpoints: Path, **placement
) -> tuple[FinetuningRecord, TargetPredictions]:
    """The record and the test images; made again if it was made before."""
    forget_finished(checkpoints)
    written = []
    where = {"device": "cpu", "checkpoint_seconds": 1e9, **placement}

    def write(record: FinetuningRecord, images: TargetPredictions, folder: Path) -> None:
        written.append((record, images))

    finetune_and_test(
        encoder, target, chosen, placement=Placement(checkpoints, **where), outputs={}, write=write
    )
    (result,) = written
    return result


def go(
    encoder: Encoder, target: Task, chosen: FinetuningSettings, checkpoints: Path, **placement
) -> dict:
    """Everything that came out, by name, with the test images' labels as ``truth``."""
    record, images = outcome(encoder, target, chosen, checkpoints, **placement)
    values = {**vars(record), **vars(record.report), **record.details(), "truth": images.labels}
    return {
        key: value for key, value in values.items() if key not in ("report", "choice", "losses")
    }


def numbers(record: dict) -> dict:
    """Without what no two runs agree on."""
    return {key: value for key, value in record.items() if key not in ("timing", "input")}

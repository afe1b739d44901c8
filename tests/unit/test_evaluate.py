"""An evaluation as the pipeline does it: from files to records, against the pieces done by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from fourlenses.data.manifest import hierarchy_of, rows_of, write_manifest
from fourlenses.data.resident import load_images
from fourlenses.data.sources import image_folder as source
from fourlenses.data.subsets import draw_subset
from fourlenses.data.write_beton import write_beton
from fourlenses.errors import UserError
from fourlenses.evaluation.evaluate import Protocol, Target, evaluate
from fourlenses.evaluation.features import extract_features
from fourlenses.files import read_json
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import load_weights
from fourlenses.training.pretrain import Data, Placement, Settings, pretrain

RECIPES = {"crop": {"crop_scale": [0.5, 1.0], "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}}
HYPER = {
    "views": ["crop"],
    "label_smoothing": 0.0,
    "epochs": 4,
    "batch_size": 12,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "lr_scaling": "none",
    "momentum": 0.9,
    "weight_decay": 0.0,
    "warmup_epochs": 0,
    "batch_norm_groups": 1,
    "micro_batch": 0,
}
PROTOCOL = Protocol(16, [0.1, 0.001], 0.25, 1)


@pytest.fixture
def study(tmp_path, image_folder):
    """A supervised run on all 36 images, and the folder as a target; one test image is undecodable."""
    (image_folder / "val/ant/0.jpg").write_bytes(b"broken")
    definition = {"source": "image_folder", "path": image_folder.name, "levels": ["kind"]}
    manifest = source.index("animals", definition, image_folder.parent)
    write_manifest(manifest, tmp_path / "manifest.parquet")
    write_beton("animals", definition, image_folder.parent, manifest, "clean", 16, 0.1, tmp_path / "clean.beton", 1)
    for images in ("12", "all"):
        np.save(tmp_path / f"{images}.npy", draw_subset(manifest, set(), images, 0, "animals"))
    settings = Settings("supervised", "resnet_small", "animals-all", 0, 16, 16, 1, HYPER, RECIPES)
    data = Data(["animals"], [tmp_path / "clean.beton"], [tmp_path / "all.npy"])
    pretrain(settings, data, Placement(tmp_path / "checkpoints", device="cpu"), tmp_path / "run")
    subsets = {"linear": {name: tmp_path / f"{name}.npy" for name in ("12", "all")}, "scratch": {"all": tmp_path / "all.npy"}}
    return tmp_path, manifest, Target("animals", tmp_path / "clean.beton", tmp_path / "manifest.parquet", subsets)


def run(folder, target, name="cells"):
    evaluate(folder / "run", [target], PROTOCOL, "cpu", 1, folder / f"{name}.json", folder / f"{name}.npz")
    return read_json(folder / f"{name}.json")["cells"]


def test_records_say_what_was_measured(study):
    folder, _, target = study
    cells = {(cell["protocol"], cell["labelled"]): cell for cell in run(folder, target)}
    assert set(cells) == {("linear", "12"), ("linear", "all"), ("scratch", "all")}
    assert cells["linear", "all"]["labelled_images"] == 36
    for cell in cells.values():
        assert cell["n_test"] == 11  # the undecodable one is not counted
        assert [level["level"] for level in cell["levels"]] == ["kind", "class"]
        assert cell["levels"][0]["top1"] >= cell["levels"][1]["top1"] == cell["top1"]
        assert cell["run"] == "supervised/animals-all/seed0"
        assert cell["pretrain_images"] == 36
    predictions = np.load(folder / "cells.npz", allow_pickle=False)
    assert set(predictions) == {"animals/linear/12", "animals/linear/all", "animals/scratch/all"}
    assert len(predictions["animals/linear/all"]) == 11


def test_scratch_is_the_runs_own_classifier_normalised_as_in_training(study):
    folder, manifest, target = study
    cell = next(cell for cell in run(folder, target) if cell["protocol"] == "scratch")
    rows = rows_of(manifest, "test")[1:]
    test = load_images(folder / "clean.beton", rows, 16, "animals", 1)
    encoder, width = build_backbone("resnet_small", 0)
    load_weights(encoder, folder / "run" / "encoder.safetensors")
    head = load_weights(torch.nn.Linear(width, 3), folder / "run" / "head.safetensors")
    recipe = RECIPES["crop"]
    with torch.no_grad():
        predicted = head(extract_features(encoder, test.images, 11, "cpu", recipe["mean"], recipe["std"])).argmax(1).numpy()
        other = extract_features(encoder, test.images, 11, "cpu")
    assert cell["top1"] == pytest.approx(100 * (predicted == test.labels).mean())
    kinds = hierarchy_of(manifest).table[:, 0]
    assert cell["levels"][0]["top1"] == pytest.approx(100 * (kinds[predicted] == kinds[test.labels]).mean())
    assert np.array_equal(np.load(folder / "cells.npz")["animals/scratch/all"], predicted)
    assert not torch.allclose(other, extract_features(encoder, test.images, 11, "cpu", recipe["mean"], recipe["std"]))


def test_again_gives_the_same_numbers(study):
    folder, _, target = study
    first, second = run(folder, target), run(folder, target, "again")
    for one, other in zip(first, second, strict=True):
        assert {**one, "timing": None} == {**other, "timing": None}


def test_a_head_of_another_kind_or_an_encoder_of_another_width_is_named(study):
    folder, _, target = study
    record = read_json(folder / "run" / "run.json")
    from fourlenses.files import write_json

    write_json(folder / "run" / "run.json", {**record, "settings": {**record["settings"], "backbone": "resnet_small_wide"}})
    with pytest.raises(UserError, match=r"encoder.safetensors: found .* of shape .* where this backbone has"):
        run(folder, target)
    write_json(folder / "run" / "run.json", record)
    (folder / "run" / "head.safetensors").write_bytes((folder / "run" / "encoder.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"head.safetensors is no classifier of at most 3 classes"):
        run(folder, dataclasses.replace(target, subsets={"scratch": target.subsets["scratch"]}))

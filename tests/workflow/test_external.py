"""Encoders from elsewhere through the workflow: import, every protocol, the table, the figures."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import torchvision
import yaml
from safetensors.torch import save_file
from tests.workflow.test_whole import make_archive, output_of, snakemake

from fourlenses.core.files import read_json, sha256
from fourlenses.data.beton.selection import select
from fourlenses.data.loading.resident import central, image_blocks
from fourlenses.models.backbones import build_backbone

VIT = "vit_tiny_patch16_224"
CENTRE = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}
CONTINUED = {"preset": "minutes", "batch_size": 16}
STUDY = {
    "study": "external",
    "raw_data": ".",
    "seeds": [0],
    "lenses": ["domain", "granularity", "alternatives"],
    "stored_size": 24,
    "image_size": 16,
    "max_undecodable": 0.05,
    "datasets": {
        "animals": {
            "source": "image_folder",
            "path": "animals.tar.gz",
            "classes": "classes.csv",
            "levels": ["kind"],
        }
    },
    "methods": {
        "simclr": {"epochs": 1, "batch_size": 32, "warmup_epochs": 0},
        "simclr_more": {"start": "rn50", **CONTINUED, "frozen_share": 0.5, "steps": 2},
        "moco_vit": {"start": "vit", **CONTINUED, "steps": 1},
        "simclr_renamed": {"start": "renamed", **CONTINUED, "steps": 1},
    },
    "evaluation": {
        "linear": {"l2": [0.1, 0.001]},
        "keep_features": True,
        "linear_augmented": {"epochs": 1, "min_steps": 2, "max_steps": 2, "learning_rates": [1.0]},
        "fine_tune": {"epochs": 1, "min_steps": 2, "max_steps": 2},
        "scratch": {"epochs": 1, "min_steps": 1, "max_steps": 1},
    },
    "domain": {
        "datasets": ["animals"],
        "methods": ["simclr", "simclr_more"],
        "pretrain_images": 16,
        "labelled_images": 12,
        "protocols": ["linear", "knn", "fine_tune", "linear_augmented"],
        "pools": [],
        "encoders": ["rn50", "vit", "renamed"],
        "concatenated": [["animals", {"encoder": "vit"}]],
    },
    "granularity": {
        "datasets": ["animals"],
        "methods": ["simclr"],
        "pretrain_images": 16,
        "labelled_images": 12,
        "protocols": ["linear_per_level"],
        "encoders": ["vit"],
    },
    "alternatives": {
        "datasets": ["animals"],
        "methods": ["simclr"],
        "pretrain_images": 16,
        "encoders": ["rn50", "vit", "renamed"],
        "labelled_images": [12],
        "protocols": ["linear", "knn"],
        "baselines": ["scratch"],
        "continued": ["simclr_more", "moco_vit", "simclr_renamed"],
    },
}


def make_weights(folder):
    """Write three files of weights and return the entries of the config that name them."""
    torch.manual_seed(3)
    resnet = torchvision.models.resnet50(weights=None)
    torch.save(resnet.state_dict(), folder / "rn50.pth")
    vit = timm.create_model(VIT, pretrained=False)
    save_file(vit.state_dict(), folder / "vit.safetensors")
    small, _ = build_backbone("resnet_small", 5)
    renamed = {
        f"body.{number}.{name.rpartition('.')[2]}": value
        for number, (name, value) in enumerate(small.state_dict().items())
    }
    torch.save({"state_dict": renamed}, folder / "renamed.pth")
    about = {"pretrained_on": "noise", "pretrain_images": 7}
    entries = {
        "rn50": {"architecture": "torchvision:resnet50", "weights": "rn50.pth", "image_size": 32},
        "vit": {"architecture": f"timm:{VIT}", "weights": "vit.safetensors", "image_size": 64},
        "renamed": {"architecture": "resnet_small", "weights": "renamed.pth", "image_size": 16},
    }
    entries["rn50"] |= {"stored_size": 40, "licence": "BSD-3-Clause", "labels_of": ["animals"]}
    entries["vit"] |= {"crop": 1.0, **CENTRE}
    entries["renamed"] |= {"match": "order"}
    return {
        name: {**entry, **about, "sha256": sha256(folder / entry["weights"])}
        for name, entry in entries.items()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("external")
    make_archive(folder)
    config = folder / "study.yaml"
    config.write_text(yaml.safe_dump(STUDY | {"encoders": make_weights(folder)}))
    result = snakemake(folder, "all", config=config)
    assert result.returncode == 0, output_of(result)[-4000:]
    return folder, config


def test_they_are_rows_of_the_table(finished):
    folder, _ = finished
    table = pd.read_csv(folder / "results/external/metrics.csv", keep_default_na=False)
    rows = table[table["method"] == "external"]
    assert set(rows["source"]) == {"rn50", "vit", "renamed"}
    assert set(rows["pretrain_images"]) == {7}
    assert set(rows["steps"]) == {0}
    sizes = rows.drop_duplicates("source").set_index("source")["image_size"].astype(int)
    assert sizes.to_dict() == {"rn50": 32, "vit": 64, "renamed": 16}
    backbones = rows.drop_duplicates("source").set_index("source")["backbone"]
    assert backbones.to_dict() == {
        "rn50": "torchvision:resnet50",
        "vit": f"timm:{VIT}",
        "renamed": "resnet_small",
    }
    for source in ("rn50", "vit", "renamed"):
        protocols = set(rows.loc[rows["source"] == source, "protocol"])
        assert {"linear", "knn", "fine_tune", "linear_augmented"} <= protocols
    assert set(rows.loc[rows["protocol"] == "linear_per_level", "level"]) == {"kind", "class"}
    joined = table[table["source"] == "animals-16~vit.external"].iloc[0]
    assert (joined["method"], joined["image_size"]) == ("simclr", "")
    assert joined["backbone"] == f"resnet_small~timm:{VIT}"
    # every number is of the same test images
    assert set(table["n_test"]) == {18}


def test_a_pretraining_continues_one_of_them(finished):
    folder, _ = finished
    table = pd.read_csv(folder / "results/external/metrics.csv", keep_default_na=False)
    rows = table[table["source"] == "animals-16.from_rn50"]
    assert set(rows["method"]) == {"simclr_more"}
    assert set(rows["image_size"].astype(int)) == {32}
    assert set(rows["backbone"]) == {"torchvision:resnet50"}
    assert {"linear", "knn", "fine_tune"} <= set(rows["protocol"])
    run = read_json(
        folder / "results/external/pretrain/simclr_more/animals-16.from_rn50/seed0/run.json"
    )
    assert run["settings"]["start"]["sha256"] == sha256(folder / "rn50.pth")
    assert run["settings"]["stored_size"] == 40
    # it had seen labels of animals, and so has what continues it
    assert run["settings"]["start"]["labels_of"] == ["animals"]


def test_each_of_them_is_continued_and_drawn(finished):
    folder, _ = finished
    table = pd.read_csv(folder / "results/external/metrics.csv", keep_default_na=False)
    drawn = (folder / "results/external/figures/alternatives.csv").read_text(encoding="utf-8")
    for method, start in (
        ("simclr_more", "rn50"),
        ("moco_vit", "vit"),
        ("simclr_renamed", "renamed"),
    ):
        rows = table[(table["method"] == method) & (table["source"] == f"animals-16.from_{start}")]
        assert {"linear", "knn"} <= set(rows["protocol"])
        assert method in drawn
        assert start in drawn
    for suffix in ("svg", "png"):
        assert (folder / f"results/external/figures/alternatives.{suffix}").stat().st_size > 1000
    card = (folder / "results/external/decision.md").read_text(encoding="utf-8")
    assert "BSD-3-Clause" in card


def test_an_encoder_is_frozen_for_its_share(finished):
    folder, _ = finished
    run = "results/external/pretrain/simclr_more/animals-16.from_rn50/seed0/run.json"
    record = read_json(folder / run)
    assert record["settings"]["hyperparameters"]["frozen_share"] == 0.5
    assert record["effective"]["frozen_steps"] == 1


def test_labels_and_test_images_are_the_same_at_every_stored_size(finished):
    folder, _ = finished
    subsets = sorted((folder / "data/animals").glob("*px/subsets/seed0/12.npy"))
    assert [file.parents[2].name for file in subsets] == ["16px", "24px", "40px", "64px"]
    first, *others = (np.load(file) for file in subsets)
    assert all(np.array_equal(first, other) for other in others)
    paired = list(csv.DictReader((folder / "results/external/paired.csv").open()))
    assert any("external/vit" in json.dumps(row) for row in paired)


def features(folder, source):
    stored = folder / "results/external/features/external" / source / "seed0"
    (file,) = stored.glob("animals-test-*.npy")
    return np.load(file)


def own_features(folder, network, *, stored, resized, size, mean, std, interpolation):
    """Return the features that a library's network has, of images as its own transform makes."""
    predictions = folder / "results/external/evaluate/external/vit/seed0/predictions.npz"
    rows = np.load(predictions)["animals/rows"]
    beton = folder / f"data/animals/{stored}px/clean.beton"
    chosen = select(beton, rows, "animals")
    (squares,) = image_blocks(
        chosen, resized, workers=1, block=len(rows), interpolation=interpolation
    )
    images = central(squares, size).float() / 255
    images = images.contiguous(memory_format=torch.channels_last)  # as an evaluation has them
    shift, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    with torch.inference_mode():
        network = network.eval().to(memory_format=torch.channels_last)
        return network((images - shift) / scale).numpy()


def test_features_are_the_libraries_own(finished):
    folder, _ = finished
    resnet = torchvision.models.resnet50(weights=None)
    resnet.load_state_dict(torch.load(folder / "rn50.pth", weights_only=True))
    resnet.fc = torch.nn.Identity()
    vit = timm.create_model(VIT, pretrained=False, num_classes=0, img_size=64)
    weights = folder / "results/external/encoders/vit/encoder.safetensors"
    timm.models.load_checkpoint(vit, str(weights))
    usual = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    for source, network, sizes in (
        (
            "rn50",
            resnet,
            {"stored": 40, "resized": 33, "size": 32, **usual, "interpolation": "bilinear"},
        ),
        (
            "vit",
            vit,
            {"stored": 64, "resized": 64, "size": 64, **CENTRE, "interpolation": "bicubic"},
        ),
    ):
        theirs = own_features(folder, network, **sizes)
        scale = np.abs(theirs).max()
        assert np.abs(features(folder, source) - theirs).max() <= 1e-6 * max(scale, 1.0)


def test_nothing_is_chosen_on_labels_it_has_seen(finished):
    folder, _ = finished
    for source, trained_on_labels in (("rn50", True), ("vit", False)):
        file = folder / f"results/external/evaluate/external/{source}/seed0/cells.json"
        cells = {cell["protocol"]: cell for cell in read_json(file)["cells"]}
        assert (cells["linear"]["l2_candidates"] == [0.01]) == trained_on_labels


def test_the_report_says_where_they_are_from(finished):
    folder, _ = finished
    page = (folder / "results/external/report.html").read_text(encoding="utf-8")
    assert "Encoders from elsewhere" in page
    for text in ("BSD-3-Clause", f"timm:{VIT}", "cannot be known from its weights"):
        assert text in page


def test_again_there_is_nothing_to_do(finished):
    folder, config = finished
    result = snakemake(folder, "all", "-n", config=config)
    assert "Nothing to be done" in output_of(result)


def test_every_encoder_has_a_card(finished):
    folder, config = finished
    result = snakemake(folder, "model_cards", config=config)
    assert result.returncode == 0, output_of(result)[-4000:]
    encoders = list((folder / "results/external/pretrain").rglob("encoder.safetensors"))
    assert len(encoders) >= 7
    cards = {file.parent: (file.parent / "README.md").read_text() for file in encoders}
    for card in cards.values():
        assert "| architecture |" in card
    pretrain = folder / "results/external/pretrain"
    assert "| licence | BSD-3-Clause |" in cards[pretrain / "external/rn50/seed0"]
    continued = cards[pretrain / "simclr_more/animals-16.from_rn50/seed0"]
    assert "| licence | of the start: BSD-3-Clause |" in continued
    again = snakemake(folder, "all", "-n", config=config)
    assert "Nothing to be done" in output_of(again)


def test_a_changed_file_stops_the_study_with_a_sentence(finished, tmp_path):
    _, config = finished
    make_archive(tmp_path)
    study = yaml.safe_load(config.read_text())
    (tmp_path / "rn50.pth").write_bytes(b"other weights")
    changed = tmp_path / "study.yaml"
    changed.write_text(yaml.safe_dump(study))
    target = "results/external/encoders/rn50/run.json"
    result = snakemake(tmp_path, target, config=changed)
    assert result.returncode != 0
    assert "is not the file that the config names" in output_of(result)


def test_weights_may_be_a_declared_download(finished, tmp_path):
    study = yaml.safe_load(finished[1].read_text())
    study["encoders"]["rn50"]["download"] = "http://127.0.0.1:9/rn50.pth"
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(study))
    asked = output_of(
        snakemake(tmp_path, "results/external/encoders/rn50/run.json", "-n", config=config)
    )
    assert "data/encoders/rn50/downloads/rn50.pth.json" in asked
    assert "rule download" in asked or "Downloading rn50.pth" in asked

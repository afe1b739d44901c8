"""An evaluation as the pipeline does it: from files to records, against the pieces done by hand."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, write_json
from fourlenses.data.loading.resident import load_images
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of, rows_of, write_manifest
from fourlenses.data.manifest.subsets import draw_subset
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.features.store import FeatureStore
from fourlenses.evaluation.predictions import read_predictions
from fourlenses.evaluation.probes.contract import EvaluationSettings, LabelledFeatures
from fourlenses.evaluation.probes.evaluate import Target, evaluate
from fourlenses.evaluation.probes.knn import knn
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.evaluation.record import encoder_columns
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import save_weights
from fourlenses.study import Run
from tests.helpers.conversions import convert_folder

CROP = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}
SETTINGS = EvaluationSettings.from_config(
    {
        "linear": {"l2": [0.1, 0.001], "l2_of_supervised": 0.01},
        "knn": {"k": 5, "temperature": 0.07},
        "validation_fraction": 0.25,
        "torch_threads": 1,
    }
)


def make_run(folder, images, *, seed=0, method="simclr", hyperparameters=None, source=None):
    """An encoder that stands in for a pretrained one."""
    folder.mkdir()
    network, _ = build_backbone("resnet_small", images)
    save_weights(network, folder / "encoder.safetensors")
    settings = {
        **{
            "method": method,
            "backbone": "resnet_small",
            "source": source or f"animals-{images}",
            "seed": seed,
            "image_size": 16,
            "stored_size": 16,
        },
        **{
            "hyperparameters": {"views": ["crop"]} | (hyperparameters or {}),
            "recipes": {"crop": CROP},
        },
    }
    write_json(
        folder / "run.json",
        {
            "settings": settings,
            "effective": {"images": images, "total_steps": 8, "effective_epochs": 4.0},
        },
    )
    return Encoder.read(folder)


@pytest.fixture
def study(tmp_path, image_folder):
    """The folder as a target, one test image being undecodable; and an encoder."""
    (image_folder / "val/ant/0.jpg").write_bytes(b"broken")
    beton = tmp_path / "clean.beton"
    manifest = convert_folder(image_folder, beton, size=16, allowed=0.1, levels=["kind"])
    write_manifest(manifest, tmp_path / "manifest.parquet")
    for images in ("12", "all"):
        np.save(
            tmp_path / f"{images}.npy",
            draw_subset(manifest, set(), subset=images, seed=0, dataset="animals"),
        )
    files = {name: tmp_path / f"{name}.npy" for name in ("12", "all")}
    subsets = {"linear": files, "linear_per_level": {"all": files["all"]}, "knn": files}
    target = Target(
        dataset="animals",
        betons={16: tmp_path / "clean.beton"},
        manifest=tmp_path / "manifest.parquet",
        subsets=subsets,
    )
    return tmp_path, manifest, target, make_run(tmp_path / "run", 20)


def run(folder, target, encoders, *, name="cells"):
    store = FeatureStore(
        folder / "features", precision="float32", device="cpu", workers=1, keep=False
    )
    with store:
        evaluate(
            encoders,
            [target],
            SETTINGS,
            store=store,
            cells_file=folder / f"{name}.json",
            predictions_file=folder / f"{name}.npz",
        )
    return {
        (cell["protocol"], cell["labelled"]): cell
        for cell in read_json(folder / f"{name}.json")["cells"]
    }


def by_hand(folder, manifest, encoder):
    """Features and labels of the training and of the test images."""
    network, _ = encoder.pretrained()
    parts = []
    for rows in (rows_of(manifest, "train"), rows_of(manifest, "test")[1:]):
        images = load_images(folder / "clean.beton", rows, 16, dataset="animals", workers=1)
        features = extract_features(network, images.images, 500, device="cpu", **CROP)
        parts.append(LabelledFeatures(features, images.labels))
    return parts


def probed(train, test, levels):
    (result,) = linear_probe(
        train,
        test,
        {"all": np.arange(36)},
        levels=levels,
        l2=[0.1, 0.001],
        validation_fraction=0.25,
        seed=0,
    )
    return result.report


def test_records_say_what_was_measured(study):
    folder, manifest, target, encoder = study
    cells = run(folder, target, [encoder])
    assert set(cells) == {
        ("linear", "12"),
        ("linear", "all"),
        ("knn", "12"),
        ("knn", "all"),
        ("linear_per_level", "all"),
    }
    assert cells["linear", "all"]["labelled_images"] == 36
    rows = np.load(target.subsets["linear"]["12"]).astype("<i8")
    assert cells["linear", "12"]["subset"] == {
        "name": "12",
        "sha256": hashlib.sha256(rows.tobytes()).hexdigest(),
    }
    content = read_json(folder / "clean.json")["content_sha256"]
    tested = labels_of(manifest)[rows_of(manifest, "test")[1:]]
    for cell in cells.values():
        assert cell["n_test"] == 11  # the undecodable one is not counted
        assert [level["level"] for level in cell["levels"]] == ["kind", "class"]
        assert cell["levels"][1]["top1"] == cell["top1"]
        assert [level["level_depth"] for level in cell["levels"]] == [0, 1]
        assert [level["is_finest"] for level in cell["levels"]] == [False, True]
        assert [level["n_classes"] for level in cell["levels"]] == [2, 3]
        for level, labels in zip(
            cell["levels"], hierarchy_of(manifest).table[tested].T, strict=True
        ):
            assert level["chance"] == pytest.approx(100 * np.bincount(labels).max() / 11)
        assert (cell["image_size"], cell["not_converged"]) == (16, "")
        assert (cell["run"], cell["pretrain_images"], cell["steps"], cell["epochs"]) == (
            "simclr/animals-20/seed0",
            20,
            8,
            4.0,
        )
        assert cell["fingerprints"] == {"encoders": [encoder.weights_sha256], "beton": content}
    stored = read_predictions(folder / "cells.npz")["animals"]
    assert np.array_equal(stored.rows, rows_of(manifest, "test")[1:])
    assert stored.classes == ["ant", "bee", "cat"]
    assert set(stored.predicted) == {
        *(
            "linear/12",
            "linear/all",
            "knn/12",
            "knn/all",
            "linear_per_level@kind/all",
            "linear_per_level@class/all",
        )
    }
    assert {len(predicted) for predicted in stored.predicted.values()} == {11}
    assert stored.predicted["linear_per_level@kind/all"].max() <= 1
    assert not (folder / "features").exists()


def test_the_protocols_are_those_of_the_library(study):
    folder, manifest, target, encoder = study
    cells = run(folder, target, [encoder])
    hierarchy = hierarchy_of(manifest)
    levels = LabelLevels(hierarchy.names, hierarchy.table)
    train, test = by_hand(folder, manifest, encoder)
    linear = probed(train, test, levels)
    (voted,) = knn(train, test, {"all": np.arange(36)}, levels=levels, knn_k=[5])
    predictions = np.load(folder / "cells.npz", allow_pickle=False)
    for protocol, expected in (("linear", linear), ("knn", voted.report)):
        assert cells[protocol, "all"]["top1"] == expected.top1
        assert np.array_equal(predictions[f"animals/{protocol}/all"], expected.predictions)
    kinds = hierarchy.table[:, 0]
    coarse = probed(
        *(LabelledFeatures(each.features, kinds[each.labels]) for each in (train, test)),
        LabelLevels(["kind"], np.arange(2)[:, None]),
    )
    assert cells["linear_per_level", "all"]["levels"][0]["top1"] == coarse.top1
    assert cells["linear_per_level", "all"]["levels"][1]["top1"] == linear.top1


def test_concatenated_encoders(study):
    folder, manifest, target, encoder = study
    other = make_run(folder / "other", 30)
    cell = run(folder, target, [encoder, other])["linear", "all"]
    assert (cell["run"], cell["source"]) == (
        "simclr/animals-20~animals-30/seed0",
        "animals-20~animals-30",
    )
    assert (cell["pretrain_images"], cell["steps"], cell["epochs"]) == (50, 16, 4.0)
    hierarchy = hierarchy_of(manifest)
    pairs = zip(by_hand(folder, manifest, encoder), by_hand(folder, manifest, other), strict=True)
    joined = [
        LabelledFeatures(torch.cat([one.features, two.features], 1), one.labels)
        for one, two in pairs
    ]
    expected = probed(*joined, LabelLevels(hierarchy.names, hierarchy.table))
    assert np.array_equal(np.load(folder / "cells.npz")["animals/linear/all"], expected.predictions)


def test_an_encoder_of_another_seed_or_method_is_named_as_the_plan_names_it(study):
    folder, _, target, encoder = study
    other = make_run(folder / "another seed", 20, seed=1)
    cell = run(folder, target, [encoder, other])["linear", "all"]
    assert (cell["run"], cell["source"]) == (
        "simclr/animals-20~animals-20.seed1/seed0",
        "animals-20~animals-20.seed1",
    )
    assert (cell["method"], cell["seed"]) == ("simclr", 0)
    assert (
        cell["run"]
        == Run.concatenated([Run("simclr", "animals-20", 0), Run("simclr", "animals-20", 1)]).name
    )
    wide = replace(other, settings={**other.settings, "backbone": "resnet_small_wide"})
    columns = encoder_columns([encoder, wide])
    assert (columns["backbone"], columns["image_size"]) == ("resnet_small~resnet_small_wide", 16)


def test_again_gives_the_same_numbers(study):
    folder, _, target, encoder = study
    first, second = run(folder, target, [encoder]), run(folder, target, [encoder], name="again")
    for key in first:
        assert {**first[key], "timing": None} == {**second[key], "timing": None}
    assert (folder / "cells.npz").read_bytes() == (folder / "again.npz").read_bytes()


def test_a_run_of_another_width_or_without_its_record_is_named(study):
    folder, _, target, _ = study
    record = read_json(folder / "run" / "run.json")
    write_json(
        folder / "run" / "run.json",
        {**record, "settings": {**record["settings"], "backbone": "resnet_small_wide"}},
    )
    with pytest.raises(
        UserError, match=r"encoder.safetensors: found .* of shape .* where this backbone has"
    ):
        run(folder, target, [Encoder.read(folder / "run")])
    (folder / "run" / "run.json").write_text(json.dumps({"settings": {}}))
    with pytest.raises(UserError, match=r"run\.json is no record of a pretraining run"):
        Encoder.read(folder / "run")


def test_an_unknown_protocol_is_named(study):
    folder, _, target, encoder = study
    wrong = Target(
        dataset=target.dataset,
        betons=target.betons,
        manifest=target.manifest,
        subsets={"linar": target.subsets["linear"]},
    )
    with pytest.raises(UserError, match=r"unknown protocol 'linar' \(did you mean 'linear'\?\)"):
        run(folder, wrong, [encoder])


@pytest.mark.parametrize(
    ("made", "fixed"),
    [
        ({"method": "supervised"}, True),
        ({"method": "supervised_long", "hyperparameters": {"method": "supervised"}}, True),
        ({"method": "supervised", "source": "plants-50+animals-20@jpeg10"}, True),
        ({"method": "supervised", "source": "plants-20"}, False),  # labels of another dataset
        ({"method": "supervised", "source": "animals_more-20"}, False),
        ({"method": "simclr"}, False),
    ],
)
def test_nothing_is_chosen_on_labels_that_the_encoder_was_trained_with(study, made, fixed):
    folder, _, target, _ = study
    cells = run(folder, target, [make_run(folder / "made", 20, **made)])
    for protocol in ("linear", "linear_per_level"):
        cell = cells[protocol, "all"]
        notes = [
            note
            for note in cell["notes"]
            if "trained with labels of animals" in note and "l2_of_supervised 0.01" in note
        ]
        assert len(notes) == fixed
        assert (cell["validation_accuracy"] is None) == fixed
        assert cell["l2_candidates"] == ([0.01] if fixed else [0.001, 0.1])
    assert cells["linear", "all"]["l2"] in cells["linear", "all"]["l2_candidates"]
    assert not any("trained with labels" in note for note in cells["knn", "all"]["notes"])


def test_concatenated_encoders_know_the_labels_that_any_of_them_was_trained_with(study):
    folder, _, target, _ = study
    supervised = make_run(folder / "own", 20, method="supervised")
    other = make_run(folder / "other", 30, method="supervised", source="plants-30")
    for encoders in ([supervised, other], [other, supervised]):
        assert run(folder, target, encoders)["linear", "all"]["l2_candidates"] == [0.01]


def test_not_converged_comes_from_the_encoders(study):
    folder, _, target, encoder = study
    unfinished = make_run(folder / "unfinished", 30)
    record = read_json(unfinished.directory / "run.json")
    write_json(unfinished.directory / "run.json", record | {"not_converged": "the loss still fell"})
    unfinished = Encoder.read(unfinished.directory)
    for encoders, expected in (
        ([encoder], ""),
        ([unfinished], "pretraining"),
        ([encoder, unfinished], "pretraining"),
    ):
        assert {cell["not_converged"] for cell in run(folder, target, encoders).values()} == {
            expected
        }


def test_labels_of_one_class_cost_their_own_cells_alone(study):
    folder, manifest, target, encoder = study
    before = run(folder, target, [encoder])
    ants = rows_of(manifest, "train")[:3]
    assert set(labels_of(manifest)[ants]) == {0}
    np.save(folder / "3.npy", ants)
    mixed = {
        protocol: {**files, "3": folder / "3.npy"} for protocol, files in target.subsets.items()
    }
    after = run(folder, replace(target, subsets=mixed), [encoder], name="more")
    for cell in (*before.values(), *after.values()):
        cell.pop("timing")
    assert after == before
    left_out = read_json(folder / "more.json")["left_out"]
    assert {(entry["protocol"], entry["labelled"]) for entry in left_out} == {
        ("linear", "3"),
        ("linear_per_level", "3"),
        ("knn", "3"),
    }
    assert {entry["run"] for entry in left_out} == {"simclr/animals-20/seed0"}
    assert all("all 3 labels are of class 'ant'" in entry["reason"] for entry in left_out)
    alone = {"linear": {"3": folder / "3.npy"}}
    assert run(folder, replace(target, subsets=alone), [encoder], name="none") == {}


def test_labels_of_one_coarse_label_are_scored_at_the_finer_levels(study):
    folder, manifest, target, encoder = study
    labels = labels_of(manifest)
    train = rows_of(manifest, "train")
    insects = np.sort(np.concatenate([train[labels[train] == number][:4] for number in (0, 1)]))
    np.save(folder / "8.npy", insects)
    subsets = {"linear_per_level": {"8": folder / "8.npy"}}
    cells = run(folder, replace(target, subsets=subsets), [encoder], name="few")
    (cell,) = cells.values()
    assert [level["level"] for level in cell["levels"]] == ["class"]


@pytest.mark.parametrize("rare", [1, 2])
def test_a_class_with_a_single_label_ends_nothing(study, rare):
    folder, manifest, target, encoder = study
    labels = labels_of(manifest)
    train = rows_of(manifest, "train")
    rows = [train[labels[train] == 0][:5], train[labels[train] == 1][:rare]]
    np.save(folder / "few.npy", np.sort(np.concatenate(rows)))
    subsets = {
        protocol: {"few": folder / "few.npy"} for protocol in ("linear", "linear_per_level", "knn")
    }
    assert len(run(folder, replace(target, subsets=subsets), [encoder], name="few")) == 3

"""Nearest neighbours: against a plain loop, and the shares that are written."""

import csv

import numpy as np
import pytest
import torch

from fourlenses.data.loading.resident import load_images
from fourlenses.data.manifest.manifest import labels_of, read_manifest, rows_of
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.pictures.feature_map import plane_of
from fourlenses.pictures.neighbours import Named, draw_neighbours, nearest_by_cosine
from tests.helpers.trained import make_encoder, make_target


def by_loop(queries, searched, count):
    nearest = []
    for query in queries:
        cosines = [
            float(query @ other) / (np.linalg.norm(query) * np.linalg.norm(other))
            for other in searched
        ]
        nearest.append(sorted(range(len(searched)), key=lambda place: -cosines[place])[:count])
    return np.array(nearest)


def test_neighbours_are_those_of_the_greatest_cosine():
    draws = np.random.default_rng(0)
    queries, searched = draws.normal(size=(5, 8)), draws.normal(size=(40, 8)) * 3
    assert (nearest_by_cosine(queries, searched, 4) == by_loop(queries, searched, 4)).all()
    scaled = searched * draws.uniform(0.1, 9, size=(40, 1))  # lengths do not count
    assert (nearest_by_cosine(queries, scaled, 4) == by_loop(queries, searched, 4)).all()


def test_features_of_nothing_are_no_error():
    assert nearest_by_cosine(np.zeros((2, 3)), np.eye(3), 2).tolist() == [[0, 1], [0, 1]]


def test_the_share_of_neighbours_of_the_same_class_is_written(tmp_path):
    task = make_target(tmp_path)
    encoder = make_encoder(tmp_path / "run")
    output = tmp_path / "neighbours_colours.webp"
    draw_neighbours(
        "colours",
        task.manifest,
        [Named(name=name, encoder=encoder, beton=task.beton) for name in ("one", "the same")],
        device=torch.device("cpu"),
        workers=1,
        output=output,
        map_output=tmp_path / "map_colours.webp",
    )
    manifest = read_manifest(task.manifest)
    labels, features = labels_of(manifest), {}
    for split in ("test", "train"):
        loaded = load_images(task.beton, rows_of(manifest, split), 16, dataset="colours", workers=1)
        network = encoder.pretrained()[0]
        features[split] = extract_features(network, loaded.images, 50, device="cpu").numpy()
    nearest = by_loop(features["test"], features["train"], 5)
    same = labels[rows_of(manifest, "train")[nearest]] == labels[rows_of(manifest, "test")][:, None]
    rows = list(csv.DictReader(output.with_suffix(".csv").open()))
    assert [row["encoder"] for row in rows] == ["one", "the same"]
    for row in rows:
        assert float(row["same_class"]) == pytest.approx(100 * same.mean(), abs=0.3)
        assert int(row["queries"]) == len(features["test"])
        share = 100 * plane_of(features["test"]).share
        assert float(row["map_variance"]) == pytest.approx(share, abs=0.06)
    for file in (output, tmp_path / "map_colours.webp"):
        assert file.stat().st_size > 1000

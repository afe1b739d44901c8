"""Features on disk: of the encoder and images asked for, and no others, whatever the files."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fourlenses.core.errors import UserError
from fourlenses.data.beton.selection import select
from fourlenses.data.loading.resident import central, image_blocks, load_images
from fourlenses.data.manifest.manifest import rows_of
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features import store as feature_store
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.features.store import FeatureStore, Images
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import save_weights
from tests.helpers.conversions import convert_folder

NORMALISED = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}


def make_encoder(folder, seed=0):
    folder.mkdir(exist_ok=True)
    network, _ = build_backbone("resnet_small", seed)
    save_weights(network, folder / "encoder.safetensors")
    settings = {
        **{
            "method": "simclr",
            "backbone": "resnet_small",
            "source": f"animals-{seed + 1}",
            "seed": 0,
        },
        **{"hyperparameters": {"views": ["crop"]}, "recipes": {"crop": NORMALISED}},
        **{"image_size": 16, "stored_size": 16},
    }
    (folder / "run.json").write_text(
        json.dumps(
            {
                "settings": settings,
                "effective": {"images": 1, "total_steps": 2, "effective_epochs": 3},
            }
        )
    )
    return Encoder.read(folder)


@pytest.fixture
def images(tmp_path, image_folder):
    manifest = convert_folder(image_folder, tmp_path / "clean.beton", size=16)
    return Images(
        "animals-train",
        select(tmp_path / "clean.beton", rows_of(manifest, "train"), "animals"),
        "of the beton",
    )


def make_store(directory, **changes):
    arguments = {"precision": "float32", "workers": 1, "keep": True}
    return FeatureStore(directory, device="cpu", **arguments | changes)


def open_store(folder, *, precision="float32", keep=True, workers=1):
    return make_store(folder / "features", precision=precision, workers=workers, keep=keep)


def by_hand(encoder, images, folder):
    loaded = load_images(
        folder / "clean.beton", images.selection.rows, 16, dataset="animals", workers=1
    )
    return extract_features(
        encoder.pretrained()[0], loaded.images, feature_store.BATCH_SIZE, device="cpu", **NORMALISED
    ).numpy()


def count_loads(monkeypatch):
    loads, load = [], Encoder.pretrained
    monkeypatch.setattr(
        Encoder, "pretrained", lambda self: loads.append(self.directory.name) or load(self)
    )
    return loads


def test_features_are_the_encoders(tmp_path, images):
    encoder = make_encoder(tmp_path / "one")
    features = open_store(tmp_path).features([(encoder, images)])
    assert isinstance(features, np.memmap)
    assert features.dtype == np.float32
    assert not features.flags.writeable
    assert np.array_equal(features, by_hand(encoder, images, tmp_path))


def test_blocks_and_workers_change_nothing(tmp_path, images, monkeypatch):
    encoder = make_encoder(tmp_path / "one")
    monkeypatch.setattr(feature_store, "BATCH_SIZE", 4)
    expected = by_hand(encoder, images, tmp_path)
    for workers, block in ((1, 4), (3, 8), (2, 1000)):
        monkeypatch.setattr(feature_store, "BLOCK", block)
        store = make_store(tmp_path / f"features{workers}", workers=workers)
        assert np.array_equal(store.features([(encoder, images)]), expected)


def test_one_pass_serves_later_evaluations(tmp_path, images, monkeypatch):
    encoder = make_encoder(tmp_path / "one")
    loads = count_loads(monkeypatch)
    first = np.array(open_store(tmp_path).features([(encoder, images)]))
    assert np.array_equal(open_store(tmp_path).features([(encoder, images)]), first)
    assert loads == ["one"]


def test_what_has_a_say_makes_another_file(tmp_path, images, monkeypatch):
    """A changed encoder, other rows, another beton, size or precision.

    None may meet features taken before.
    """
    encoder = make_encoder(tmp_path / "one")
    open_store(tmp_path).features([(encoder, images)])  # its hash is known from here on
    weights = load_file(tmp_path / "one/encoder.safetensors")
    weights["conv1.weight"][0, 0, 0, 0] += 1e-3
    save_file(weights, tmp_path / "one/encoder.safetensors")
    changed = Encoder.read(tmp_path / "one")
    few = select(tmp_path / "clean.beton", images.selection.rows[:7], "animals")
    smaller = encoder.settings | {"image_size": 12}
    asked = [
        (open_store(tmp_path), changed, images),
        (open_store(tmp_path), encoder, Images(images.name, few, images.fingerprint)),
        (open_store(tmp_path), encoder, Images(images.name, images.selection, "of another beton")),
        (open_store(tmp_path), replace(encoder, settings=smaller), images),
        (open_store(tmp_path, precision="float16"), encoder, images),
    ]
    for number, (store, of_encoder, which) in enumerate(asked):
        store.features([(of_encoder, which)])
        assert len(list((tmp_path / "features").glob("*.npy"))) == number + 2
    assert np.array_equal(
        open_store(tmp_path).features([(changed, images)]), by_hand(changed, images, tmp_path)
    )


def test_bicubic_features_are_of_images_scaled_so(tmp_path, images):
    encoder = make_encoder(tmp_path / "one")
    start = {"interpolation": "bicubic", "crop": 0.8}
    bicubic, bilinear = (
        replace(encoder, settings=encoder.settings | {"image_size": 12, "start": changes})
        for changes in (start, {"crop": 0.8})
    )
    features = open_store(tmp_path).features([(bicubic, images)])
    blocks = image_blocks(images.selection, 15, workers=1, block=1000, interpolation="bicubic")
    squares = torch.cat([central(block, 12) for block in blocks])
    network, _ = encoder.pretrained()
    expected = extract_features(network, squares, 500, device="cpu", **NORMALISED)
    assert np.array_equal(features, expected.numpy())
    others = open_store(tmp_path).features([(bilinear, images)])
    assert np.abs(features - others).max() > 1e-3


def test_the_key_of_bilinear_features_is_that_of_earlier_versions(tmp_path, images):
    encoder = make_encoder(tmp_path / "one")
    assert set(open_store(tmp_path)._key(encoder, images)) == {
        "encoder",
        "normalisation",
        "beton",
        "rows",
        "image_size",
        "precision",
        "batch_size",
        "device",
    }


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "no record"])
def test_a_damaged_file_is_made_again(tmp_path, images, damage, caplog):
    encoder = make_encoder(tmp_path / "one")
    expected = np.array(open_store(tmp_path).features([(encoder, images)]))
    (file,) = (tmp_path / "features").glob("*.npy")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(
        {"truncated": content[:-100], "flipped": content, "empty": b"", "no record": content}[
            damage
        ]
    )
    if damage == "no record":
        file.with_suffix(".json").unlink()
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(open_store(tmp_path).features([(encoder, images)]), expected)
    assert ("is damaged" in caplog.text) == (damage != "no record")


def test_features_of_encoders_are_concatenated(tmp_path, images):
    one, two = make_encoder(tmp_path / "one"), make_encoder(tmp_path / "two", seed=1)
    store = open_store(tmp_path)
    fused = store.features([(one, images), (two, images)])
    assert np.array_equal(
        fused, np.concatenate([by_hand(one, images, tmp_path), by_hand(two, images, tmp_path)], 1)
    )
    assert np.array_equal(
        store.features([(two, images), (one, images)]),
        np.concatenate([by_hand(two, images, tmp_path), by_hand(one, images, tmp_path)], 1),
    )


def test_half_precision(tmp_path, images):
    encoder = make_encoder(tmp_path / "one")
    features = open_store(tmp_path, precision="float16").features([(encoder, images)])
    assert features.dtype == np.float16
    assert np.array_equal(features, by_hand(encoder, images, tmp_path).astype(np.float16))
    with pytest.raises(
        UserError, match="'feature_precision' is one of float32, float16, not 'int8'"
    ):
        open_store(tmp_path, precision="int8")


@pytest.mark.parametrize(
    ("value", "message"),
    [(float("nan"), "NaN or infinite"), (1e9, "set evaluation.feature_precision: float32")],
)
def test_features_that_are_no_numbers(tmp_path, images, value, message):
    encoder = make_encoder(tmp_path / "one")
    weights = load_file(tmp_path / "one/encoder.safetensors")
    name = [name for name in weights if name.endswith("bias")][-1]
    weights[name][:] = value
    save_file(weights, tmp_path / "one/encoder.safetensors")
    with pytest.raises(UserError, match=message):
        open_store(tmp_path, precision="float16").features(
            [(Encoder.read(encoder.directory), images)]
        )
    assert not list((tmp_path / "features").glob("*.npy"))


def test_files_go_unless_kept(tmp_path, images):
    encoder = make_encoder(tmp_path / "one")
    with open_store(tmp_path, keep=False) as store:
        store.features([(encoder, images)])
        assert len(list((tmp_path / "features").iterdir())) == 2
    assert not (tmp_path / "features").exists()
    store = open_store(tmp_path, keep=False)
    store.features([(encoder, images)])
    store.__exit__(RuntimeError, None, None)  # a failed job leaves them for the next one
    assert len(list((tmp_path / "features").iterdir())) == 2


def test_a_full_disk_is_named_before_it_is_full(tmp_path, images, monkeypatch):
    encoder = make_encoder(tmp_path / "one")
    usage = feature_store.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(feature_store.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(
        UserError, match=r"1 KB free, but the features animals-train-\w+.npy take 18.43 KB; make"
    ):
        open_store(tmp_path).features([(encoder, images)])
    assert not list((tmp_path / "features").glob("*"))


def test_an_encoder_of_another_architecture(tmp_path, images):
    encoder = make_encoder(tmp_path / "one")
    save_file({"conv1.weight": torch.zeros(3)}, tmp_path / "one/encoder.safetensors")
    with pytest.raises(UserError, match=r"encoder\.safetensors: found no tensor"):
        open_store(tmp_path).features([(Encoder.read(encoder.directory), images)])

"""The section `encoders`: encoders that a study did not pretrain."""

import pytest
import yaml

from fourlenses.config.encoders import layout_of, stored_size
from fourlenses.config.job_settings import pretraining_settings
from fourlenses.config.read import ROOT, complete_config, config_files, read_config
from fourlenses.config.yaml_files import read_yaml
from fourlenses.core.errors import UserError
from fourlenses.data.download.registry import Remote
from fourlenses.study import Run
from fourlenses.study.preprocessing import resized

ENTRY = {
    "architecture": "torchvision:resnet18",
    "weights": "encoders/resnet18.pth",
    "sha256": "0" * 64,
    "pretrained_on": "ImageNet with labels",
    "pretrain_images": 1_281_167,
}


def completed(tmp_path, name="rn18", methods=None, **changes):
    """Return the config of a study with one entry; None takes a key of it away."""
    entry = {key: value for key, value in {**ENTRY, **changes}.items() if value is not None}
    overlay = tmp_path / "study.yaml"
    keys = {"study": "mine", "encoders": {name: entry}, "methods": methods or {}}
    overlay.write_text(yaml.safe_dump(keys))
    return read_config([overlay])


def test_an_entry_is_filled_in(tmp_path):
    config = completed(tmp_path)
    assert config["encoders"] == {
        "rn18": {**ENTRY, "match": "names", "labels_of": [], "licence": "", "stored_size": 256}
    }
    run = Run.external("rn18", 1)
    assert stored_size(config, run) == 256
    assert layout_of(config, run).beton("scenes") == "data/scenes/256px/clean.beton"
    assert layout_of(config, run).encoder(run.name) == (
        "results/mine/pretrain/external/rn18/seed1/encoder.safetensors"
    )
    pretrained = Run("simclr", "scenes-500", 1)
    assert layout_of(config, pretrained).beton("scenes") == "data/scenes/32px/clean.beton"


@pytest.mark.parametrize(
    ("keys", "stored"),
    [
        ({"image_size": 224}, 256),
        ({"image_size": 224, "crop": 0.875}, 256),
        ({"image_size": 224, "crop": 0.9}, 248),
        ({"image_size": 64, "crop": 1.0}, 64),
        ({"image_size": 64, "crop": 1.0, "stored_size": 96}, 96),
        ({"architecture": "resnet18", "image_size": 96}, 96),
    ],
)
def test_images_are_stored_as_large_as_the_encoder_needs(tmp_path, keys, stored):
    assert completed(tmp_path, **keys)["encoders"]["rn18"]["stored_size"] == stored


def test_a_centre_needs_no_more_than_whole_pixels():
    assert resized(224, 224 / 232) == 232


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "scenes"}, "'scenes' is the name of a dataset too"),
        ({"name": "none"}, "'none' is the name for no source too"),
        ({"name": "rn-18"}, "allowed: a lower-case letter"),
        ({"sha256": None}, "lacks 'sha256'"),
        ({"sha256": "abc"}, "encoders.rn18.sha256"),
        ({"weight": "x"}, r"unknown key 'encoders.rn18.weight' \(did you mean 'weights'\?\)"),
        ({"architecture": "tim:resnet18"}, r"unknown library .*did you mean 'timm'"),
        ({"architecture": "timm:"}, "names no network"),
        ({"architecture": "resnet19"}, "unknown backbone .*torchvision:<name>"),
        ({"architecture": "resnet18"}, "lacks 'image_size'"),
        ({"labels_of": ["scenery"]}, "labels_of': unknown dataset .*did you mean 'scenes'"),
        ({"mean": [0.5, 0.5, 0.5]}, "one of 'mean' and 'std'"),
        (
            {"image_size": 224, "crop": 0.875, "stored_size": 224},
            "stored_size' is 224, but image_size 224 at crop 0.875 is cut from 256 px",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        completed(tmp_path, **changes)


def test_weights_may_be_a_declared_download(tmp_path):
    overlay = tmp_path / "study.yaml"
    url = "https://example.org/weights/rn18.pth"
    overlay.write_text(yaml.safe_dump({"encoders": {"rn18": {**ENTRY, "download": url}}}))
    files = config_files([overlay], ROOT)
    config = {key: value for file in files for key, value in yaml.safe_load(file.open()).items()}
    wanted = complete_config(config, ROOT, files)["encoders/rn18"]
    assert [(str(file.path), file.remote) for file in wanted] == [
        ("encoders/resnet18.pth", Remote(url, "sha256", "0" * 64))
    ]
    assert "download" not in config["encoders"]["rn18"]


@pytest.mark.parametrize(
    ("entry", "rate", "warmup"),
    [
        ({"preset": "paper"}, 0.03, {"warmup_epochs": 10}),
        ({"preset": "minutes"}, 0.0006, {"warmup_epochs": 1}),
        ({"preset": "minutes", "epochs": 40}, 0.0006, {"warmup_epochs": 4}),
        ({"preset": "minutes", "steps": 500}, 0.0006, {"warmup_steps": 50}),
        (
            {"preset": "minutes", "warmup_steps": 7, "learning_rate": 0.01},
            0.01,
            {"warmup_steps": 7},
        ),
    ],
)
def test_an_entry_with_a_start_has_a_lower_rate_and_a_longer_warmup(tmp_path, entry, rate, warmup):
    methods = {"simclr_more": {"start": "rn18", **entry}}
    config = completed(tmp_path, methods=methods)
    made = config["methods"]["simclr_more"]
    assert (made["start"], made["learning_rate"]) == ("rn18", rate)
    given = {key: made[key] for key in ("warmup_epochs", "warmup_steps") if key in made}
    assert given == warmup
    assert "start" not in config["methods"]["simclr"]


def test_the_encoder_of_an_entry_with_a_start_may_be_frozen_at_first(tmp_path):
    entry = {"start": "rn18", "preset": "minutes"}
    shares = {"simclr_a": {}, "simclr_b": {"frozen_share": 0.2}, "simclr_c": {"frozen_share": 0}}
    config = completed(tmp_path, methods={name: entry | more for name, more in shares.items()})
    made = {name: config["methods"][name].get("frozen_share") for name in shares}
    default = read_yaml(ROOT / "presets" / "continued.yaml")["frozen_share"]
    assert made == {"simclr_a": default or None, "simclr_b": 0.2, "simclr_c": None}
    settings = pretraining_settings(config, method="simclr_b", source="scenes-10.from_rn18", seed=0)
    assert settings["hyperparameters"]["frozen_share"] == 0.2


def test_a_share_that_is_frozen_is_for_what_continues(tmp_path):
    with pytest.raises(
        UserError, match=r"key 'methods\.simclr\.frozen_share' is for an entry with"
    ):
        completed(tmp_path, methods={"simclr": {"frozen_share": 0.1}})
    with pytest.raises(UserError, match=r"frozen_share"):
        completed(tmp_path, methods={"simclr_b": {"start": "rn18", "frozen_share": 1}})


def test_the_settings_of_a_continued_pretraining_are_of_its_start(tmp_path):
    config = completed(tmp_path, methods={"simclr_more": {"start": "rn18", "preset": "minutes"}})
    run = Run("simclr_more", "scenes-10.from_rn18", 0)
    settings = pretraining_settings(config, method=run.method, source=run.source, seed=0)
    assert settings["backbone"] == "torchvision:resnet18"
    assert settings["stored_size"] == stored_size(config, run) == 256
    assert settings["start"] == {"encoder": "rn18", "sha256": "0" * 64}
    assert "start" not in settings["hyperparameters"]
    assert "image_size" not in settings  # the architecture's own, known once it is imported


def test_an_unknown_start_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r"key 'methods.moco.start': unknown external encoder 'rn8'"
    ):
        completed(tmp_path, methods={"moco": {"start": "rn8"}})

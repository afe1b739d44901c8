"""Costs of networks by names of torchvision and timm, and of the encoders that a study names."""

import subprocess
import sys

import pytest

from fourlenses.planning.networks import backbone, network_of
from fourlenses.planning.plan import plan_study
from fourlenses.study import Run
from fourlenses.study.vocabulary import BACKBONES

ENTRY = {
    "architecture": "torchvision:resnet18",
    "weights": "rn18.pth",
    "sha256": "0" * 64,
    "stored_size": 48,
    "image_size": 32,
    "pretrained_on": "noise",
    "pretrain_images": 7,
}


def test_a_counted_network_costs_what_the_vocabulary_says():
    counted, known = backbone("torchvision:resnet18", 224), BACKBONES["resnet18"]
    assert counted.multiply_adds_at(224) == known.multiply_adds
    assert (counted.parameters, counted.width) == (known.parameters, known.width)


def test_a_vision_transformer_is_counted_with_its_attention():
    vit = backbone("timm:vit_tiny_patch16_224", 224)
    # DeiT-Ti (https://arxiv.org/abs/2012.12877, table 5, and timm's results): 1.26 GMACs
    assert vit.multiply_adds == pytest.approx(1.26e9, rel=0.03)
    assert (vit.width, vit.parameters) == (192, 5_524_416)
    assert backbone("timm:vit_tiny_patch16_224", 64).multiply_adds < 0.1 * vit.multiply_adds


def test_an_encoder_has_its_own_network(config):
    config["encoders"] = {"rn18": ENTRY}
    assert network_of(config, Run("simclr", "objects-100", 0)) == ("resnet_small", 32)
    expected = ("torchvision:resnet18", 32)
    assert network_of(config, Run.external("rn18", 0)) == expected
    assert network_of(config, Run("simclr", "objects-100.from_rn18", 0)) == expected
    config["encoders"] = {
        "rn18": {key: value for key, value in ENTRY.items() if key != "image_size"}
    }
    assert network_of(config, Run.external("rn18", 0)) == ("torchvision:resnet18", 224)


def test_a_continued_pretraining_is_planned_on_its_own_images(config, tmp_path):
    config["encoders"] = {"rn18": ENTRY}
    before = plan_study(config, tmp_path).jobs["pretrain/simclr/objects-200/seed0"]
    config["methods"]["simclr"]["start"] = "rn18"
    jobs = plan_study(config, tmp_path).jobs
    after = jobs["pretrain/simclr/objects-200.from_rn18/seed0"]
    ratio = backbone("torchvision:resnet18", 32).multiply_adds / BACKBONES[
        "resnet_small"
    ].multiply_adds_at(32)
    assert after.seconds == pytest.approx(before.seconds * ratio)
    assert "objects/clean/48px" in after.needs
    assert "objects/clean" in jobs  # of the random encoder


def test_the_costs_of_our_own_backbones_need_no_torch():
    code = "import sys, fourlenses.planning.plan; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

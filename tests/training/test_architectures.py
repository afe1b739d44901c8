"""Pretraining of networks by the names of torchvision and timm, and their weights back there."""

from dataclasses import replace

import pytest
import timm
import torch
import torchvision

from fourlenses.core.errors import UserError
from fourlenses.models.architectures import build_architecture, is_convolutional
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.training.optimizers.build import without_decay
from tests.helpers.runs import go, settings

VIT = "timm:vit_tiny_patch16_224"
NETWORKS = {
    "torchvision:resnet18": (lambda: torchvision.models.resnet18(), {"fc"}),
    VIT: (lambda: timm.create_model("vit_tiny_patch16_224", img_size=32), {"head"}),
    "timm:convnext_atto": (lambda: timm.create_model("convnext_atto"), {"head.fc"}),
}


def chosen(name, method="simclr", **changes):
    made = settings(method, backbone=name, steps=1, epochs=None, **changes)
    return replace(made, image_size=32)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_encoder_loads_into_its_library_but_for_the_classifier(dataset, name):
    weights, record = go(dataset, "run", chosen(name))
    build, classifier = NETWORKS[name]
    result = build().load_state_dict(weights, strict=False)
    assert result.unexpected_keys == []
    assert {key.rpartition(".")[0] for key in result.missing_keys} == classifier
    assert record["settings"]["backbone"] == name


def test_small_views_of_a_vision_transformer(dataset):
    views = ["strong", "strong", "small"]  # the small one has half the size
    weights, record = go(dataset, "run", chosen(VIT, "lejepa", views=views))
    assert weights["pos_embed"].shape[1] == 5  # four patches and the class token
    assert record["effective"]["total_steps"] == 1


def test_an_image_size_that_the_network_refuses_is_one_sentence(dataset):
    wrong = replace(chosen("torchvision:vit_b_16"), image_size=24)
    with pytest.raises(UserError, match="'torchvision:vit_b_16' refuses images of 24 px"):
        go(dataset, "run", wrong)


@pytest.mark.parametrize("name", ["torchvision:convnext_tiny", "torchvision:efficientnet_b0"])
def test_nothing_is_drawn_in_a_forward_pass(name):
    network, _ = build_architecture(name, seed=0)
    network.train()
    images = torch.rand(2, 3, 64, 64)
    state = torch.get_rng_state()
    assert torch.equal(network(images), network(images))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        (VIT, {"cls_token", "pos_embed"}),
        ("torchvision:vit_b_16", {"class_token", "encoder.pos_embedding"}),
    ],
)
def test_tokens_and_positions_do_not_decay(name, tokens):
    with torch.device("meta"):
        network, _ = build_architecture(name, seed=0)
    spared = without_decay(network)
    assert tokens <= spared
    decaying = {key for key, _ in network.named_parameters() if key not in spared}
    assert all(key.endswith("weight") for key in decaying)


def test_channels_last_is_for_convolutions():
    networks = {VIT: False, "timm:convnext_atto": True, "resnet_small": True}
    convolutional = {
        name: is_convolutional(build_architecture(name, seed=0)[0]) for name in networks
    }
    assert convolutional == networks


def test_batch_norms_of_another_kind_are_refused_where_they_would_be_wrong():
    network, _ = build_architecture("timm:tf_efficientnet_lite0", seed=0)
    assert set_batch_norm(network, 1) is network
    with pytest.raises(UserError, match=r"batch norms of another kind \(BatchNormAct2d\)"):
        set_batch_norm(network, 2)
    without, _ = build_architecture(VIT, seed=0)
    assert set_batch_norm(without, 2) is without

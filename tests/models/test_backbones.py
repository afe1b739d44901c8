import copy

import pytest
import torch
import torchvision

from fourlenses.models.backbones import BACKBONES, BasicBlock, build_backbone


@pytest.mark.parametrize(
    ("name", "width"),
    [("resnet18", 512), ("resnet50", 2048), ("resnet_small", 128), ("resnet_small_wide", 256)],
)
def test_features_have_the_stated_width(name, width):
    encoder, stated = build_backbone(name, seed=0)
    with torch.no_grad():
        features = encoder.eval()(torch.rand(2, 3, 32, 32))
    assert stated == width
    assert features.shape == (2, width)
    assert features.isfinite().all()


def test_all_names_of_the_study_are_registered():
    assert {
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet18_cifar",
        "resnet_small",
        "resnet_small_wide",
    } <= set(BACKBONES)


@pytest.mark.parametrize("name", ["resnet18", "resnet18_cifar", "resnet_small"])
def test_weights_are_a_function_of_the_seed(name):
    first, second, other = (build_backbone(name, seed)[0].state_dict() for seed in (7, 7, 8))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])
    assert not torch.equal(first["layer4.0.conv2.weight"], other["layer4.0.conv2.weight"])


def test_building_leaves_the_global_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    build_backbone("resnet_small", seed=1)
    assert torch.equal(torch.rand(4), expected)


def test_resnet18_is_torchvisions_own_initialisation():
    torch.manual_seed(11)
    reference = torchvision.models.resnet18()
    ours = build_backbone("resnet18", seed=11)[0].state_dict()
    assert all(
        torch.equal(ours[key], value)
        for key, value in reference.state_dict().items()
        if not key.startswith("fc.")
    )


@pytest.mark.parametrize("name", ["resnet18_cifar", "resnet_small", "resnet_small_wide"])
def test_convolutions_have_the_kaiming_fan_out_spread(name):
    encoder, _ = build_backbone(name, seed=0)
    convolution = encoder.layer4[0].conv1.weight  # (out, in, 3, 3)
    assert convolution.std().item() == pytest.approx(
        (2 / (convolution.shape[0] * 9)) ** 0.5, rel=0.03
    )
    assert (encoder.bn1.weight == 1).all()
    assert (encoder.bn1.bias == 0).all()


def test_small_network_uses_torchvisions_names():
    known = set(torchvision.models.resnet18().state_dict())
    small = set(build_backbone("resnet_small", seed=0)[0].state_dict())
    assert small <= known
    assert "layer2.0.downsample.0.weight" in small


def test_cifar_stem_keeps_the_resolution():
    encoder, _ = build_backbone("resnet18_cifar", seed=0)
    images = torch.rand(1, 3, 32, 32)
    assert encoder.maxpool(encoder.conv1(images)).shape == (1, 64, 32, 32)


def test_unknown_backbone_lists_the_known():
    with pytest.raises(
        ValueError,
        match=r"unknown backbone 'resnet19' \(did you mean 'resnet18'\?\); known: .*resnet_small",
    ):
        build_backbone("resnet19", seed=0)


def test_our_basic_block_is_torchvisions():
    for inputs, outputs, stride in ((8, 8, 1), (8, 16, 2)):
        ours = BasicBlock(inputs, outputs, stride)
        shortcut = copy.deepcopy(ours.downsample)
        theirs = torchvision.models.resnet.BasicBlock(inputs, outputs, stride, shortcut)
        assert list(theirs.state_dict()) == list(ours.state_dict())
        theirs.load_state_dict(ours.state_dict())
        maps = torch.randn(2, inputs, 8, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(ours(maps), theirs(maps), rtol=0, atol=0)

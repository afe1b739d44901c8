import pytest
import timm
import torch
import torchvision

from fourlenses.core.errors import UserError
from fourlenses.models.architectures import (
    build_architecture,
    check_image_size,
    own_preprocessing,
)

TORCHVISION = ["resnet50", "convnext_tiny", "vit_b_16", "efficientnet_b0", "swin_t", "googlenet"]
TIMM = [
    "vit_tiny_patch16_224",
    "vit_small_patch14_dinov2.lvd142m",
    "convnext_atto",
    "tf_efficientnet_lite0",
    "mobilenetv3_small_100",
    "resnet18",
]


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_features_come_before_the_classifier(name):
    torch.manual_seed(0)
    reference = torchvision.models.get_model(name, weights=None).eval()
    network, width = build_architecture(f"torchvision:{name}", seed=1)
    network.load_state_dict(reference.state_dict(), strict=False)
    images = torch.rand(2, 3, 224, 224)
    *_, last = (layer for layer in reference.modules() if isinstance(layer, torch.nn.Linear))
    inputs_of_last = []
    last.register_forward_hook(lambda layer, inputs, output: inputs_of_last.append(inputs[0]))
    with torch.no_grad():
        features = network.eval()(images)
        reference(images)
    assert features.shape == (2, width)
    torch.testing.assert_close(features, inputs_of_last[0].flatten(1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", TIMM)
def test_timm_features_are_timms(name):
    size = timm.get_pretrained_cfg(name).input_size[-1]
    network, width = build_architecture(f"timm:{name}", seed=1)
    reference = timm.create_model(name, pretrained=False, num_classes=7).eval()
    reference.load_state_dict(network.state_dict(), strict=False)
    images = torch.rand(1, 3, size, size)
    with torch.no_grad():
        features = network.eval()(images)
        wanted = reference.forward_head(reference.forward_features(images), pre_logits=True)
    assert features.shape == (1, width)
    torch.testing.assert_close(features, wanted, rtol=0, atol=1e-6)


def test_weights_are_a_function_of_the_seed():
    first, second, other = (
        build_architecture("timm:vit_tiny_patch16_224", seed=seed)[0].state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["patch_embed.proj.weight"], other["patch_embed.proj.weight"])


def test_a_vision_transformer_is_built_for_the_size():
    network, width = build_architecture("timm:vit_tiny_patch16_224", seed=0, image_size=64)
    assert network.pos_embed.shape == (1, 1 + 16, 192)
    assert check_image_size(network, 64, name="timm:vit_tiny_patch16_224") == width
    network, width = build_architecture("torchvision:vit_b_16", seed=0, image_size=64)
    assert check_image_size(network, 64, name="torchvision:vit_b_16") == width


def test_a_size_that_the_architecture_refuses_is_one_sentence():
    network, _ = build_architecture("timm:vit_tiny_patch16_224", seed=0)
    with pytest.raises(UserError, match=r"refuses images of 64 px: .*choose an 'image_size'"):
        check_image_size(network, 64, name="timm:vit_tiny_patch16_224")


@pytest.mark.parametrize(
    ("name", "image_size", "crop", "mean"),
    [
        ("torchvision:resnet50", 224, 224 / 232, (0.485, 0.456, 0.406)),
        ("timm:tf_efficientnet_lite0", 224, 0.875, (0.5, 0.5, 0.5)),
        ("timm:vit_small_patch14_dinov2.lvd142m", 518, 1.0, (0.485, 0.456, 0.406)),
    ],
)
def test_own_preprocessing_is_the_librarys(name, image_size, crop, mean):
    preprocessing = own_preprocessing(name)
    assert (preprocessing.image_size, preprocessing.crop, preprocessing.mean) == (
        image_size,
        pytest.approx(crop),
        mean,
    )


@pytest.mark.parametrize(
    ("name", "interpolation"),
    [
        ("torchvision:resnet50", "bilinear"),
        ("torchvision:swin_t", "bicubic"),
        ("timm:tf_efficientnet_lite0", "bicubic"),
        ("timm:resnet18.a1_in1k", "bicubic"),
        ("timm:mobilenetv3_large_100", "bicubic"),
        ("timm:resnet18.tv_in1k", "bilinear"),
    ],
)
def test_own_interpolation_is_the_librarys(name, interpolation):
    assert own_preprocessing(name).interpolation == interpolation


def test_ours_have_no_preprocessing_of_their_own():
    assert own_preprocessing("resnet_small") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision:resnet51", r"no network for images called 'resnet51' \(did you mean"),
        ("timm:vit_tiny_patch16_225", r"timm .* has no network called 'vit_tiny_patch16_225'"),
        ("huggingface:x", r"unknown library of an architecture 'huggingface'"),
        ("resnet51", r"unknown backbone 'resnet51'"),
    ],
)
def test_an_unknown_name_is_one_sentence(name, message):
    with pytest.raises(UserError, match=message):
        build_architecture(name, seed=0)


def test_without_timm_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UserError, match=r"needs the package timm.*make setup EXTRAS=timm"):
        build_architecture("timm:resnet18", seed=0)

"""What an image takes in a network, against the tensors that torch's autograd keeps of it."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from fourlenses.models.architectures import build_architecture
from fourlenses.planning.memory.networks import KNOWN, ImageBytes, image_bytes, measure
from fourlenses.study.vocabulary import BACKBONES


def test_every_backbone_has_its_bytes():
    assert set(KNOWN) == set(BACKBONES)
    assert {name: known.side for name, known in KNOWN.items()} == {
        name: known.side for name, known in BACKBONES.items()
    }


@pytest.mark.parametrize("name", BACKBONES)
def test_the_table_is_what_is_measured(name):
    known = KNOWN[name]
    measured = measure(name, known.side)
    assert (measured.forward, measured.training) == (known.forward, known.training)


@pytest.mark.parametrize("name", ["resnet_small", "resnet18_cifar", "timm:vit_tiny_patch16_224"])
def test_training_keeps_about_what_autograd_saves(name):
    """On the CPU, with real tensors: those that autograd saves, each storage once."""
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    side, images = (224 if "224" in name else 32), 4
    encoder, _ = build_architecture(name, seed=0, image_size=side)
    weights = {parameter.untyped_storage().data_ptr() for parameter in encoder.parameters()}
    saved: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        output = encoder.train()(torch.rand(images, 3, side, side))
    assert output.shape[0] == images  # alive until here, so that no storage is used twice
    assert image_bytes(name, side).training == pytest.approx(sum(saved.values()) / images, rel=0.25)


def test_a_convolution_s_bytes_grow_with_the_area():
    assert image_bytes("resnet_small", 64) == ImageBytes(64, 4 * 65_536, 4 * 174_080)
    # measured at that size, not scaled
    assert measure("resnet_small", 64).training == 4 * 174_080


def test_the_first_maps_of_a_small_resnet_by_hand():
    # 16 channels of 32 x 32 floats; without gradients no more than one map is there besides its
    # successor, which a ReLU overwrites
    assert image_bytes("resnet_small", 32).forward == 16 * 32 * 32 * 4

import pytest
import torch
import torchvision
from safetensors.torch import load_file

from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import load_weights, save_weights


def test_round_trip_restores_every_tensor(tmp_path):
    encoder, _ = build_backbone("resnet_small", seed=1)
    encoder.to(memory_format=torch.channels_last)(
        torch.rand(4, 3, 32, 32)
    )  # moves the running statistics
    save_weights(encoder, tmp_path / "encoder.safetensors")
    other, _ = build_backbone("resnet_small", seed=2)
    load_weights(other, tmp_path / "encoder.safetensors")
    restored = other.state_dict()
    assert all(torch.equal(restored[name], tensor) for name, tensor in encoder.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == [
        "encoder.safetensors"
    ]  # no temporary is left behind


def test_torchvision_reads_the_file_but_for_its_classifier(tmp_path):
    encoder, _ = build_backbone("resnet18", seed=1)
    save_weights(encoder, tmp_path / "encoder.safetensors")
    outcome = torchvision.models.resnet18().load_state_dict(
        load_file(tmp_path / "encoder.safetensors"), strict=False
    )
    assert set(outcome.missing_keys) == {"fc.weight", "fc.bias"}
    assert outcome.unexpected_keys == []


def test_a_torchvision_network_is_saved_without_its_classifier(tmp_path):
    save_weights(torchvision.models.resnet18(), tmp_path / "encoder.safetensors")
    assert not [
        name for name in load_file(tmp_path / "encoder.safetensors") if name.startswith("fc.")
    ]


@pytest.mark.parametrize("length", [0, 4, 0.5, 0.99])
def test_a_damaged_file_is_named(tmp_path, length):
    encoder, _ = build_backbone("resnet_small", seed=1)
    path = tmp_path / "encoder.safetensors"
    save_weights(encoder, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(length * len(content)) if length < 1 else length])
    with pytest.raises(
        ValueError, match=r"encoder\.safetensors: not a readable encoder file.*delete it"
    ):
        load_weights(encoder, path)


def test_another_width_is_named_and_changes_nothing(tmp_path):
    wide, _ = build_backbone("resnet_small_wide", seed=1)
    save_weights(wide, tmp_path / "wide.safetensors")
    small, _ = build_backbone("resnet_small", seed=1)
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    with pytest.raises(
        ValueError,
        match=r"wide\.safetensors: found 'conv1\.weight' of shape \(32, 3, 3, 3\) "
        r"where .* \(16, 3, 3, 3\)",
    ):
        load_weights(small, tmp_path / "wide.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in small.state_dict().items())


def test_another_depth_is_named(tmp_path):
    small, _ = build_backbone("resnet_small", seed=1)
    deep, _ = build_backbone("resnet18_cifar", seed=1)
    save_weights(small, tmp_path / "small.safetensors")
    save_weights(deep, tmp_path / "deep.safetensors")
    with pytest.raises(ValueError, match=r"found no tensor 'layer1\.1\.conv1\.weight'"):
        load_weights(deep, tmp_path / "small.safetensors")
    with pytest.raises(ValueError, match=r"found a tensor '.*' .* that this backbone lacks"):
        load_weights(small, tmp_path / "deep.safetensors")


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_weights(build_backbone("resnet_small", seed=1)[0], tmp_path / "none.safetensors")

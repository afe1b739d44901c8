import argparse
import json

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from fourlenses.core.errors import UserError
from fourlenses.models.architectures import build_architecture
from fourlenses.models.checkpoints import read_states
from fourlenses.models.fit import fit_state

RESNET = "torchvision:resnet18"


def fitted(file, architecture=RESNET, image_size=None, **options):
    network, _ = build_architecture(architecture, seed=3, image_size=image_size)
    fit = fit_state(read_states(file), network, file=file, architecture=architecture, **options)
    network.load_state_dict(fit.state)
    return network, fit


@pytest.fixture
def resnet():
    torch.manual_seed(5)
    return torchvision.models.resnet18().eval()


def assert_same_features(network, reference):
    images = torch.rand(2, 3, 64, 64)
    reference.fc = torch.nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), reference(images), rtol=0, atol=1e-6)


def wrapped(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (lambda state: state, None),
        (lambda state: {"state_dict": state, "epoch": 3}, "state_dict"),
        (lambda state: {"model": wrapped(state, "module.")}, "model.module"),
        (lambda state: {"a": {"b": wrapped(state, "backbone.")}}, "a.b.backbone"),
        (
            lambda state: {
                "state_dict": wrapped(state, "module.encoder_q."),
                "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "lr": 0.1},
            },
            "state_dict.module.encoder_q",
        ),
    ],
)
def test_a_checkpoint_of_a_whole_training_fits(tmp_path, resnet, content, note):
    torch.save(content(resnet.state_dict()), tmp_path / "a.pth")
    network, fit = fitted(tmp_path / "a.pth")
    assert_same_features(network, resnet)
    assert fit.notes == ([f"tensors taken from '{note}'"] if note else [])


def test_half_precision_becomes_single(tmp_path, resnet):
    half = {name: tensor.half() for name, tensor in resnet.state_dict().items()}
    save_file(half, tmp_path / "a.safetensors")
    network, _ = fitted(tmp_path / "a.safetensors")
    state = network.state_dict()
    assert all(tensor.dtype != torch.float16 for tensor in state.values())
    assert torch.equal(state["conv1.weight"], half["conv1.weight"].float())


def test_shards_are_read_through_their_index(tmp_path, resnet):
    state = resnet.state_dict()
    names = list(state)
    shards = {"a-1.safetensors": names[:50], "a-2.safetensors": names[50:]}
    for file, part in shards.items():
        save_file({name: state[name] for name in part}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    where = {name: file for file, part in shards.items() for name in part}
    index.write_text(json.dumps({"weight_map": where}))
    assert_same_features(fitted(index)[0], resnet)
    (tmp_path / "a-2.safetensors").unlink()
    with pytest.raises(UserError, match=r"names a-2\.safetensors, which is not in its folder"):
        read_states(index)
    torch.save({name: state[name] for name in names[50:]}, tmp_path / "a-2.bin")
    where |= dict.fromkeys(names[50:], "a-2.bin")
    index.write_text(json.dumps({"weight_map": where}))
    assert_same_features(fitted(index)[0], resnet)
    index.write_text(json.dumps({"weight_map": where | {"none": "a-2.bin"}}))
    with pytest.raises(UserError, match=r"names 'none', which is in none of its files"):
        read_states(index)
    index.write_text(json.dumps({"weight_map": {"conv1.weight": "../a-1.safetensors"}}))
    with pytest.raises(UserError, match=r"files of the same folder"):
        read_states(index)


def test_old_checkpoints_without_counters_fit(tmp_path, resnet):
    state = {
        name: tensor
        for name, tensor in resnet.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    torch.save(state, tmp_path / "a.pth")
    assert_same_features(fitted(tmp_path / "a.pth")[0], resnet)


def test_another_librarys_names_fit_by_order(tmp_path):
    torch.manual_seed(2)
    reference = timm.create_model("tf_efficientnet_lite0", num_classes=10).eval()
    renamed = {
        f"_layer{number}.{name.rpartition('.')[2]}": tensor
        for number, (name, tensor) in enumerate(reference.state_dict().items())
    }
    torch.save(renamed, tmp_path / "lite0.pth")
    name = "timm:tf_efficientnet_lite0"
    with pytest.raises(UserError, match=r"say `match: order`"):
        fitted(tmp_path / "lite0.pth", name)
    network, fit = fitted(tmp_path / "lite0.pth", name, match="order")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        wanted = reference.forward_head(reference.forward_features(images), pre_logits=True)
        torch.testing.assert_close(network.eval()(images), wanted, rtol=0, atol=1e-6)
    assert "matched by their order" in fit.notes[-1]


def test_two_networks_in_a_file_ask_for_a_choice(tmp_path, resnet):
    other = torchvision.models.resnet18().state_dict()
    torch.save(
        wrapped(resnet.state_dict(), "encoder_q.") | wrapped(other, "encoder_k."),
        tmp_path / "moco.pth",
    )
    with pytest.raises(UserError, match=r"under 'encoder_q', 'encoder_k'; choose one by"):
        fitted(tmp_path / "moco.pth")
    assert_same_features(fitted(tmp_path / "moco.pth", prefix="encoder_q.")[0], resnet)


@pytest.mark.parametrize(
    ("saved", "architecture", "message"),
    [
        ("resnet34", RESNET, r"does not fit .*resnet18': it is of a larger network"),
        ("resnet18", "torchvision:resnet34", r"it lacks 'layer1\.2\.conv1\.weight' \(\d+ of \d+"),
        ("resnet18", "torchvision:resnet50", r"it lacks|has shape"),
        ("mobilenet_v2", RESNET, r"it lacks 'conv1\.weight'"),
    ],
)
def test_another_architecture_is_one_sentence(tmp_path, saved, architecture, message):
    torch.save(torchvision.models.get_model(saved).state_dict(), tmp_path / "a.pth")
    with pytest.raises(UserError, match=message):
        fitted(tmp_path / "a.pth", architecture)


def test_torchvision_networks_with_a_head_of_several_layers_fit(tmp_path):
    reference = torchvision.models.convnext_tiny()
    torch.save(reference.state_dict(), tmp_path / "a.pth")
    network, _ = fitted(tmp_path / "a.pth", "torchvision:convnext_tiny")
    assert torch.equal(network.classifier[0].weight, reference.classifier[0].weight)


def test_a_position_embedding_is_resampled_as_timm_does(tmp_path):
    name = "vit_tiny_patch16_224"
    torch.manual_seed(4)
    reference = timm.create_model(name, num_classes=3)
    torch.save(reference.state_dict(), tmp_path / "vit.pth")
    network, fit = fitted(tmp_path / "vit.pth", f"timm:{name}", image_size=96)
    wanted = timm.layers.resample_abs_pos_embed(reference.pos_embed, (6, 6), num_prefix_tokens=1)
    torch.testing.assert_close(network.pos_embed, wanted, rtol=0, atol=0)
    assert fit.notes == ["position embedding resampled from 197 to 37 tokens"]


class Odd:
    """Something that weights_only refuses."""


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda file: torch.save({"x": Odd()}, file),
            r"more than tensors and plain values \(tests\.models\.test_fit\.Odd\), and loading",
        ),
        (
            lambda file: torch.save({"args": argparse.Namespace(lr=1)}, file),
            r"plain values \(argparse\.Namespace\), and loading that could run code; save the ",
        ),
        (lambda file: file.write_bytes(b"<!DOCTYPE html>"), r"is no readable checkpoint \(not"),
        (lambda file: file.write_bytes(b"not a checkpoint"), r"no readable checkpoint|more than"),
        (lambda file: torch.save({"epoch": 3}, file), r"holds no dictionary of tensors"),
        (lambda file: None, r"does not exist"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_one_sentence(tmp_path, write, message):
    write(tmp_path / "a.pth")
    with pytest.raises(UserError, match=message):
        read_states(tmp_path / "a.pth")

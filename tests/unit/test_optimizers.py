import pytest
import torch
from torch import nn

from fourlenses.models.backbones import build_backbone
from fourlenses.training.lars import LARS
from fourlenses.training.optimizers import build_optimizer

KINDS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW, "lars": LARS}


@pytest.mark.parametrize("name", list(KINDS))
def test_biases_and_norms_do_not_decay(name):
    network = nn.Sequential(build_backbone("resnet_small", seed=0)[0], nn.Linear(128, 5))
    optimiser = build_optimizer(name, network, learning_rate=0.1, momentum=0.8, weight_decay=0.01)
    assert type(optimiser) is KINDS[name]
    decay = {id(parameter): group["weight_decay"] for group in optimiser.param_groups for parameter in group["params"]}
    assert len(decay) == len(list(network.parameters()))
    for layer in network.modules():
        for kind, parameter in layer.named_parameters(recurse=False):
            excluded = kind == "bias" or isinstance(layer, nn.BatchNorm2d)
            assert decay[id(parameter)] == (0.0 if excluded else 0.01)
    assert all(group["lr"] == 0.1 for group in optimiser.param_groups)


def test_sgd_is_heavy_ball_with_the_given_momentum():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    optimiser = build_optimizer("sgd", layer, learning_rate=0.5, momentum=0.8, weight_decay=0.0)
    for _ in range(2):
        layer.weight.grad = torch.ones(1, 1)
        optimiser.step()
    assert layer.weight.item() == pytest.approx(1 - 0.5 - 0.5 * 1.8)  # Nesterov would have taken 0.5 * 1.8 at once


def test_lars_takes_the_momentum():
    assert build_optimizer("lars", nn.Linear(2, 2), 0.1, 0.8, 0.0).param_groups[0]["momentum"] == 0.8


def test_frozen_parameters_are_left_out():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    network[0].requires_grad_(False)
    optimiser = build_optimizer("sgd", network, 0.1, 0.9, 0.0)
    assert {id(p) for group in optimiser.param_groups for p in group["params"]} == {id(p) for p in network[1].parameters()}


def test_unknown_optimizer_lists_the_known():
    with pytest.raises(ValueError, match="unknown optimizer 'lion'; known: adamw, lars, sgd"):
        build_optimizer("lion", nn.Linear(2, 2), 0.1, 0.9, 0.0)

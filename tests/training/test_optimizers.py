import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from fourlenses.models.backbones import build_backbone
from fourlenses.training.optimizers.build import build_optimizer, without_decay
from fourlenses.training.optimizers.lars import LARS
from fourlenses.training.optimizers.sgd_adamw import SGD, AdamW


def build(name, module, rate, momentum, decay):
    return build_optimizer(name, module, learning_rate=rate, momentum=momentum, weight_decay=decay)


KINDS = {"sgd": SGD, "nesterov": SGD, "adamw": AdamW, "lars": LARS}


@pytest.mark.parametrize("name", list(KINDS))
def test_biases_and_norms_do_not_decay(name):
    network = nn.Sequential(build_backbone("resnet_small", seed=0)[0], nn.Linear(128, 5))
    optimiser = build_optimizer(name, network, learning_rate=0.1, momentum=0.8, weight_decay=0.01)
    assert type(optimiser) is KINDS[name]
    decay = {
        id(parameter): group["weight_decay"]
        for group in optimiser.param_groups
        for parameter in group["params"]
    }
    assert len(decay) == len(list(network.parameters()))
    for layer in network.modules():
        for kind, parameter in layer.named_parameters(recurse=False):
            excluded = kind == "bias" or isinstance(layer, nn.BatchNorm2d)
            assert decay[id(parameter)] == (0.0 if excluded else 0.01)
    assert all(group["lr"] == 0.1 for group in optimiser.param_groups)


class Tokens(nn.Module):
    """A transformer's parameters, at least the kinds of them."""

    def __init__(self):
        super().__init__()
        self.class_token = nn.Parameter(torch.ones(1, 1, 4))
        self.position_embedding = nn.Parameter(torch.ones(1, 5, 4))
        self.projection = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)

    def no_weight_decay(self):
        return {"class_token", "position_embedding"}


def test_what_a_model_names_does_not_decay_wherever_it_stands():
    assert without_decay(Tokens()) == {
        "class_token",
        "position_embedding",
        "projection.bias",
        "norm.weight",
        "norm.bias",
    }
    network = nn.ModuleDict({"encoder": nn.Sequential(Tokens()), "head": nn.Linear(4, 2)})
    decays = {"encoder.0.projection.weight", "head.weight"}
    names = {name for name, _ in network.named_parameters()}
    assert without_decay(network) == names - decays
    optimiser = build("adamw", network, 0.1, 0.9, 0.3)
    counts = {group["weight_decay"]: len(group["params"]) for group in optimiser.param_groups}
    assert counts == {0.3: 2, 0.0: 6}


def test_lars_adapts_no_step_of_what_does_not_decay():
    tokens = Tokens()
    optimiser = build("lars", tokens, 0.5, 0.0, 0.1)
    for parameter in tokens.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = tokens.projection.weight.detach().clone()
    optimiser.step()
    assert (tokens.class_token == 0.5).all()
    assert (tokens.position_embedding == 0.5).all()
    assert not torch.allclose(tokens.projection.weight, before - 0.5)


def test_a_state_from_before_groups_said_whether_they_are_adapted_resumes():
    layer = nn.Linear(3, 2)
    optimiser = build("lars", layer, 0.1, 0.9, 0.1)
    state = optimiser.state_dict()
    for group in state["groups"]:
        del group["adapted"]
    again = build("lars", layer, 0.1, 0.9, 0.1)
    again.load_state_dict(state)
    assert [group["adapted"] for group in again.param_groups] == [True, False]


def test_sgd_is_heavy_ball_with_the_given_momentum():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    optimiser = build_optimizer("sgd", layer, learning_rate=0.5, momentum=0.8, weight_decay=0.0)
    for _ in range(2):
        layer.weight.grad = torch.ones(1, 1)
        optimiser.step()
    assert layer.weight.item() == pytest.approx(
        1 - 0.5 - 0.5 * 1.8
    )  # Nesterov would have taken 0.5 * 1.8 at once


def test_nesterov_looks_ahead_by_the_given_momentum():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    optimiser = build_optimizer(
        "nesterov", layer, learning_rate=0.5, momentum=0.8, weight_decay=0.0
    )
    for _ in range(2):
        layer.weight.grad = torch.ones(1, 1)
        optimiser.step()
    assert layer.weight.item() == pytest.approx(1 - 0.5 * 1.8 - 0.5 * (1 + 0.8 * 1.8))


def test_lars_takes_the_momentum():
    assert build("lars", nn.Linear(2, 2), 0.1, 0.8, 0.0).param_groups[0]["momentum"] == 0.8


def test_frozen_parameters_are_left_out():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    network[0].requires_grad_(False)
    optimiser = build("sgd", network, 0.1, 0.9, 0.0)
    assert {id(p) for group in optimiser.param_groups for p in group["params"]} == {
        id(p) for p in network[1].parameters()
    }


def test_unknown_optimizer_lists_the_known():
    with pytest.raises(
        ValueError, match="unknown optimizer 'lion'; known: adamw, lars, nesterov, sgd"
    ):
        build("lion", nn.Linear(2, 2), 0.1, 0.9, 0.0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        ),
        (
            lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
        ),
        (lambda p: SGD(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (
            lambda p: AdamW(p, lr=0.01, weight_decay=0.1),
            lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
        ),
    ],
)
def test_step_by_step_as_torch(ours, theirs):
    torch.manual_seed(0)
    first = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    second = copy.deepcopy(first)
    pairs = [(first, ours(first.parameters())), (second, theirs(second.parameters()))]
    inputs = torch.randn(20, 8, 6, dtype=torch.float64)
    for step, batch in enumerate(inputs):
        for network, optimiser in pairs:
            for group in optimiser.param_groups:
                group["lr"] = 0.01 * (1 + step % 3)
            optimiser.zero_grad()
            network(batch).square().mean().backward()
            optimiser.step()
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", list(KINDS))
def test_a_stored_state_resumes_exactly(name, tmp_path):
    def steps(network, optimiser, count):
        for number in range(count):
            optimiser.zero_grad()
            network(torch.full((4, 3), 1.0 + number)).square().sum().backward()
            optimiser.step()

    torch.manual_seed(0)
    first = nn.Linear(3, 2)
    optimiser = build(name, first, 0.01, 0.9, 0.1)
    steps(first, optimiser, 3)
    second = copy.deepcopy(first)
    torch.save(optimiser.state_dict(), tmp_path / "state.pt")
    resumed = build(name, second, 0.5, 0.9, 0.0)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    steps(first, optimiser, 3)
    steps(second, resumed, 3)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_a_job_starts_without_what_takes_seconds_to_import():
    """torch's compiler takes 5 s, pandas 1 s.

    A study is hundreds of jobs, and a small job works for a few seconds.
    """
    code = """
import sys, torch
import fourlenses.training.pretrain, fourlenses.evaluation.probes.evaluate
from fourlenses.training.optimizers.build import build_optimizer, without_decay
layer = torch.nn.Linear(2, 2)
for name in ("sgd", "nesterov", "adamw", "lars"):
    optimizer = build_optimizer(name, layer, learning_rate=0.1, momentum=0.9, weight_decay=0.1)
    optimizer.zero_grad()
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
print(sorted({"torch._dynamo", "torchvision", "ffcv", "pandas"} & set(sys.modules)))
"""
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_what_was_frozen_is_updated_as_in_a_training_that_begins_there():
    """AdamW corrects its averages by its count of updates, which is the encoder's own."""
    network = torch.nn.ModuleDict({"encoder": torch.nn.Linear(3, 3), "head": torch.nn.Linear(3, 3)})
    parameters = list(network["encoder"].parameters())
    before = [parameter.clone() for parameter in parameters]
    optimizer = build_optimizer(
        "adamw",
        network,
        learning_rate=0.1,
        momentum=0.0,
        weight_decay=0.0,
        late=network["encoder"],
    )
    for step in range(6):
        optimizer.zero_grad()
        for parameter in network.parameters():
            parameter.requires_grad_(step == 5 or id(parameter) not in map(id, parameters))
        network["head"](network["encoder"](torch.ones(2, 3))).square().sum().backward()
        optimizer.step()
    for parameter, former in zip(parameters, before, strict=True):
        # the first update of Adam is the rate, whatever the gradient
        torch.testing.assert_close((parameter - former).abs(), torch.full_like(former, 0.1))

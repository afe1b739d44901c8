"""Batch norm over the global batch and over parts of it, on one process and on two real ones."""

import copy

import pytest
import torch
from torch import nn

from fourlenses.core.errors import UserError
from fourlenses.models.backbones import build_backbone
from fourlenses.models.batch_norm import (
    _global_statistics,
    _Normalise,
    average_running_statistics,
    frozen_statistics,
    set_batch_norm,
)
from fourlenses.parallel.distributed import shard_of
from tests.helpers.processes import run_processes

ROWS = 16


def small_network():
    torch.manual_seed(0)
    # without biases in front of the norms, as in the encoders and heads: their gradients would be
    # rounding alone
    first, second, last = (
        nn.Conv2d(3, 6, 3, bias=False),
        nn.Conv2d(6, 5, 3, bias=False),
        nn.Linear(80, 7, bias=False),
    )
    norms = nn.BatchNorm2d(6), nn.BatchNorm2d(5), nn.BatchNorm1d(7)
    network = nn.Sequential(
        first, norms[0], nn.ReLU(), second, norms[1], nn.ReLU(), nn.Flatten(), last, norms[2]
    )
    for layer in norms:
        nn.init.uniform_(layer.weight, 0.5, 1.5)
        nn.init.uniform_(layer.bias, -0.5, 0.5)
    return network


def step(network, inputs, weights):
    """Outputs, gradients and state after one step; the loss couples all rows linearly."""
    inputs = inputs.clone().requires_grad_()
    network.zero_grad()
    outputs = network(inputs)
    (outputs * weights).sum().backward()
    return {
        "outputs": outputs.detach(),
        "inputs": inputs.grad,
        "parameters": {name: value.grad.clone() for name, value in network.named_parameters()},
        "state": {name: value.clone() for name, value in network.state_dict().items()},
    }


def batches(count, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        rows = (
            torch.randn(ROWS, 3, 8, 8, generator=generator)
            * torch.linspace(0.5, 3, ROWS).view(-1, 1, 1, 1)
            + 1
        )
        yield (
            rows.to(dtype, memory_format=torch.channels_last),
            torch.randn(ROWS, 7, generator=generator).to(dtype),
        )


CASES = [
    (1, torch.float32),
    (1, torch.float64),
    (2, torch.float32),
    (2, torch.float64),
    (4, torch.float32),
    (4, torch.float64),
]


def train_on_own_rows(cases=tuple(CASES)):
    """For each case two steps on this process's rows; then the state with averaged statistics.

    Last, a wrong number of groups.
    """
    results = []
    for groups, dtype in cases:
        network = set_batch_norm(small_network().to(dtype), groups)
        steps = [
            step(network, shard_of(inputs), shard_of(weights))
            for inputs, weights in batches(2, dtype)
        ]
        average_running_statistics(network)
        results.append(
            {
                "steps": steps,
                "averaged": network.state_dict(),
                "kinds": [type(layer).__name__ for layer in network],
            }
        )
    try:
        refusal = set_batch_norm(nn.BatchNorm1d(3), 3) and ""
    except UserError as error:
        refusal = str(error)
    return {"results": results, "refusal": refusal}


@pytest.fixture(scope="module")
def two_processes():
    return run_processes(2, train_on_own_rows)


def assert_close(actual, expected):
    """Of the largest value or of 1.

    That the equations agree is shown in float64; float32 measures 1e-6 at worst, of a convolution.
    """
    scale, tolerance = (
        max(1.0, expected.abs().max().item()),
        4e-6 if expected.dtype == torch.float32 else 1e-12,
    )
    assert (actual - expected).abs().max().item() <= tolerance * scale


@pytest.mark.parametrize("case", range(len(CASES)), ids=str)
def test_two_processes_equal_one(two_processes, case):
    (groups, _), (alone,) = CASES[case], train_on_own_rows(CASES[case : case + 1])["results"]
    first, second = (process["results"][case] for process in two_processes)
    assert ("GroupedBatchNorm2d" in alone["kinds"]) == (
        groups > 1
    )  # with one group on one process it is torch's own
    assert "GroupedBatchNorm2d" in first["kinds"]
    for whole, part, other in zip(alone["steps"], first["steps"], second["steps"], strict=True):
        for key in ("outputs", "inputs"):
            assert_close(torch.cat([part[key], other[key]]), whole[key])
        for name, gradient in whole["parameters"].items():
            assert_close(part["parameters"][name] + other["parameters"][name], gradient)
    for name, value in alone["averaged"].items():
        assert_close(first["averaged"][name], value)
        assert torch.equal(first["averaged"][name], second["averaged"][name])
    means = [state["steps"][-1]["state"]["1.running_mean"] for state in (first, second)]
    assert torch.equal(*means) == (groups == 1)  # averaging had something to do


def parts_by_hand(layer, inputs, groups):
    """Outputs and running statistics from the definition."""
    axes = [0, *range(2, inputs.ndim)]
    parts = inputs.chunk(groups)
    shape = (1, -1, *[1] * (inputs.ndim - 2))
    weight, bias = layer.weight.view(shape), layer.bias.view(shape)
    outputs = [
        (part - part.mean(axes, keepdim=True))
        / (part.var(axes, correction=0, keepdim=True) + layer.eps).sqrt()
        * weight
        + bias
        for part in parts
    ]
    mean = 0.9 * layer.running_mean + 0.1 * torch.stack([part.mean(axes) for part in parts]).mean(0)
    variance = 0.9 * layer.running_var + 0.1 * torch.stack([part.var(axes) for part in parts]).mean(
        0
    )
    return torch.cat(outputs), mean, variance


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.BatchNorm1d(5), (12, 5)), (nn.BatchNorm2d(5), (12, 5, 4, 3))]
)
@pytest.mark.parametrize("groups", [2, 3, 6])
def test_parts_equal_the_definition(layer, shape, groups):
    torch.manual_seed(0)
    layer = copy.deepcopy(layer).double()
    for values in (layer.weight, layer.running_var):
        nn.init.uniform_(values, 0.5, 1.5)
    nn.init.uniform_(layer.bias)
    inputs = (
        torch.randn(shape).double() + torch.arange(12).view(-1, *[1] * (len(shape) - 1))
    ).requires_grad_()
    weights = torch.randn(shape)
    expected, mean, variance = parts_by_hand(layer, inputs, groups)
    (by_hand,) = torch.autograd.grad((expected * weights).sum(), inputs)
    outputs = set_batch_norm(layer, groups)(inputs)
    (gradient,) = torch.autograd.grad((outputs * weights).sum(), inputs)
    for actual, wanted in (
        (outputs, expected),
        (gradient, by_hand),
        (layer.running_mean, mean),
        (layer.running_var, variance),
    ):
        torch.testing.assert_close(actual, wanted, rtol=1e-10, atol=1e-10)
    assert layer.num_batches_tracked == 1


def test_one_group_on_one_process_is_torchs_own():
    plain, ours = small_network(), set_batch_norm(set_batch_norm(small_network(), 4), 1)
    assert [type(layer) for layer in ours] == [type(layer) for layer in plain]
    for inputs, weights in batches(2):
        one, other = step(plain, inputs, weights), step(ours, inputs, weights)
        assert torch.equal(one["outputs"], other["outputs"])
        assert torch.equal(one["inputs"], other["inputs"])
        assert all(torch.equal(value, other["state"][name]) for name, value in one["state"].items())


def normalise(inputs, weight, bias):
    return _Normalise.apply(inputs, weight, bias, *_global_statistics(inputs), 1e-5)


@pytest.mark.parametrize("shape", [(7, 3), (4, 3, 5), (4, 3, 2, 3)])
def test_gradient_of_the_synchronised_norm(shape):
    torch.manual_seed(0)
    inputs = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    weight, bias = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    torch.autograd.gradcheck(normalise, (inputs, weight, bias))
    torch.autograd.gradcheck(lambda inputs: normalise(inputs, None, None), (inputs,))
    expected = nn.functional.batch_norm(inputs, None, None, weight, bias, training=True)
    torch.testing.assert_close(normalise(inputs, weight, bias), expected)


@pytest.mark.parametrize("groups", [2, 4])
def test_gradient_of_parts(groups):
    layer = set_batch_norm(nn.BatchNorm2d(2), groups).double()
    inputs = torch.randn(
        8,
        2,
        2,
        2,
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(0),
        requires_grad=True,
    )
    torch.autograd.gradcheck(layer, (inputs,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_channels_last_and_type_are_kept(dtype):
    inputs = (
        torch.randn(8, 3, 4, 4)
        .to(dtype)
        .contiguous(memory_format=torch.channels_last)
        .requires_grad_()
    )
    weight, bias = nn.Parameter(torch.ones(3)), nn.Parameter(torch.zeros(3))
    for outputs in (normalise(inputs, weight, bias), set_batch_norm(nn.BatchNorm2d(3), 4)(inputs)):
        assert outputs.is_contiguous(memory_format=torch.channels_last)
        (gradient,) = torch.autograd.grad(outputs.square().sum(), inputs)
        assert gradient.is_contiguous(memory_format=torch.channels_last)
        assert outputs.dtype == gradient.dtype == dtype


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_synchronised_norm_on_a_gpu():
    inputs = (
        torch.randn(8, 3, 4, 4, device="cuda")
        .contiguous(memory_format=torch.channels_last)
        .requires_grad_()
    )
    weight, bias = (
        torch.rand(3, device="cuda", requires_grad=True),
        torch.rand(3, device="cuda", requires_grad=True),
    )
    signs = torch.randn_like(inputs)
    ours = normalise(inputs, weight, bias)
    plain = nn.functional.batch_norm(inputs, None, None, weight, bias, training=True)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)
    gradients = [
        torch.autograd.grad((outputs * signs).sum(), (inputs, weight, bias))
        for outputs in (ours, plain)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-5)


def test_the_state_loads_into_plain_layers_and_evaluates_as_they_do():
    torch.manual_seed(0)
    plain, _ = build_backbone("resnet_small", seed=0)
    ours = set_batch_norm(copy.deepcopy(plain), 4)
    images = torch.rand(16, 3, 32, 32)
    ours(images)
    plain.load_state_dict(ours.state_dict())
    assert list(plain.state_dict()) == list(ours.state_dict())
    assert plain.bn1.running_mean.abs().max() > 0
    assert torch.equal(
        plain.eval()(images[:3]), ours.eval()(images[:3])
    )  # 3 rows: parts matter in training only


@pytest.mark.parametrize("groups", [1, 4])
def test_frozen_statistics(groups):
    first, second = (set_batch_norm(small_network(), groups) for _ in range(2))
    ((inputs, weights),) = batches(1)
    before = copy.deepcopy(first.state_dict())
    with frozen_statistics(first):
        outputs = first(inputs)
    assert all(torch.equal(value, before[name]) for name, value in first.state_dict().items())
    assert torch.equal(outputs, second(inputs))
    one, other = step(first, inputs, weights), step(second, inputs, weights)
    assert one["state"]["1.num_batches_tracked"] == 1  # counted again once outside
    assert other["state"]["1.num_batches_tracked"] == 2


def test_wrong_groups_are_refused(two_processes):
    with pytest.raises(UserError, match="'batch_norm_groups' is 0; it must be 1"):
        set_batch_norm(nn.BatchNorm1d(3), 0)
    for process in two_processes:
        assert "'batch_norm_groups' is 3; it must be 1" in process["refusal"]
        assert "or a multiple of the 2 processes" in process["refusal"]
    layer = set_batch_norm(nn.BatchNorm1d(3), 4)
    for rows in (4, 10):
        with pytest.raises(
            UserError,
            match="4 equal parts of at least 2 rows in each of the 1 processes, which "
            f"{rows} rows do not",
        ):
            layer(torch.ones(rows, 3))
    assert layer.eval()(torch.ones(10, 3)).shape == (10, 3)

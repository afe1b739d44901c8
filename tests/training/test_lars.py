import copy
import math

import pytest
import torch
from torch import nn

from fourlenses.training.optimizers.lars import LARS


def reference_step(weights, gradients, velocities, shape, rate, momentum, decay, trust):
    """Return one tensor's new weights, on plain lists of floats.

    The velocities are changed in place.
    """
    ratio = 1.0
    if len(shape) > 1:
        gradients = [g + decay * w for g, w in zip(gradients, weights, strict=True)]
        weight_norm, step_norm = (
            math.sqrt(sum(value**2 for value in values)) for values in (weights, gradients)
        )
        if weight_norm > 0 and step_norm > 0:
            ratio = trust * weight_norm / step_norm
    for index, gradient in enumerate(gradients):
        velocities[index] = momentum * velocities[index] + rate * ratio * gradient
    return [w - v for w, v in zip(weights, velocities, strict=True)]


def small_network():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    ).double()
    nn.init.zeros_(
        network[4].weight
    )  # a layer at zero has no norm to adapt to, and must still move
    return network


@pytest.mark.parametrize(("decay", "trust"), [(0.0, 0.001), (0.1, 0.001), (1e-4, 0.5)])
def test_equals_the_reference_over_changing_rates(decay, trust):
    network = small_network()
    optimiser = LARS(
        network.parameters(), lr=1.0, momentum=0.9, weight_decay=decay, trust_coefficient=trust
    )
    expected = {
        name: parameter.flatten().tolist() for name, parameter in network.named_parameters()
    }
    velocities = {name: [0.0] * len(values) for name, values in expected.items()}
    for step, rate in enumerate([0.1, 0.5, 2.0, 0.2]):
        images = torch.rand(
            8, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(step)
        )
        optimiser.zero_grad()
        network(images).square().sum().backward()
        for name, parameter in network.named_parameters():
            gradient = parameter.grad.flatten().tolist()
            expected[name] = reference_step(
                expected[name], gradient, velocities[name], parameter.shape, rate, 0.9, decay, trust
            )
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(
                parameter.flatten(),
                torch.tensor(expected[name], dtype=torch.float64),
                atol=1e-10,
                rtol=1e-8,
            )


def test_a_first_step_has_the_trust_coefficients_length():
    """By hand: |w| = 5, so a step of rate 2 is 2 * 0.001 * 5 long, whatever the gradient."""
    weight = nn.Parameter(torch.tensor([[3.0, 4.0]]))
    optimiser = LARS([weight], lr=2.0)
    weight.grad = torch.tensor([[0.0, 700.0]])
    optimiser.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([[3.0, 3.99]]))


def test_parameters_without_a_gradient_stay():
    weights = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))]
    weights[0].grad = torch.ones(2, 2)
    LARS(weights, lr=1.0).step()
    assert (weights[1] == 1).all()
    assert (weights[0] != 1).all()


def test_a_stored_state_resumes_exactly():
    first = small_network()
    optimiser = LARS(first.parameters(), lr=0.5, weight_decay=0.1)

    def step(network, optimiser):
        optimiser.zero_grad()
        network(torch.ones(2, 3, 4, 4, dtype=torch.float64).cumsum(3)).square().sum().backward()
        optimiser.step()

    step(first, optimiser)
    second = copy.deepcopy(first)
    resumed = LARS(second.parameters(), lr=0.1)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    step(first, optimiser)
    step(second, resumed)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    "settings", [{"lr": -1.0}, {"lr": 0.1, "momentum": 1.0}, {"lr": 0.1, "trust_coefficient": 0.0}]
)
def test_wrong_settings_are_refused(settings):
    with pytest.raises(ValueError, match="LARS needs"):
        LARS([nn.Parameter(torch.ones(1, 1))], **settings)

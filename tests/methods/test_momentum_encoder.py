import copy
import math

import pytest
import torch
from lightly.models.utils import update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import nn

from fourlenses.methods.momentum_encoder import follow, momentum_at, momentum_copy


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5))


def test_follow_is_the_weighted_mean_of_every_parameter():
    leader, follower, theirs = network(0), network(1), network(1)
    expected = [
        0.9 * a + (1 - 0.9) * b
        for a, b in zip(follower.parameters(), leader.parameters(), strict=True)
    ]
    update_momentum(leader, theirs, m=0.9)
    before = copy.deepcopy(leader.state_dict())
    follow([follower], [leader], 1 - 0.9)
    for ours, plain, lightlys in zip(
        follower.parameters(), expected, theirs.parameters(), strict=True
    ):
        torch.testing.assert_close(ours.detach(), plain.detach(), atol=1e-7, rtol=1e-6)
        torch.testing.assert_close(ours.detach(), lightlys.detach(), atol=1e-7, rtol=1e-6)
    assert all(torch.equal(value, leader.state_dict()[name]) for name, value in before.items())


def test_follow_is_exact_at_its_ends_and_between_equals():
    for momentum, same_as in ((1.0, 1), (0.0, 0)):
        leader, follower = network(0), network(1)
        follow([follower], [leader], 1 - momentum)
        assert all(
            torch.equal(a, b)
            for a, b in zip(follower.parameters(), network(same_as).parameters(), strict=True)
        )
    leader, follower = network(0), network(0)
    follow([follower], [leader], 1 - 0.996)
    assert all(
        torch.equal(a, b) for a, b in zip(follower.parameters(), leader.parameters(), strict=True)
    )


def test_running_statistics_are_left_to_the_follower():
    leader, follower = network(0), network(1)
    leader(torch.rand(8, 3, 4, 4))
    follow([follower], [leader], 1.0)
    assert torch.equal(follower[1].running_mean, torch.zeros(4))


def test_a_copy_starts_equal_and_takes_no_gradient():
    leader = network(0)
    follower = momentum_copy(leader)
    assert all(
        torch.equal(a, b) for a, b in zip(follower.parameters(), leader.parameters(), strict=True)
    )
    assert not any(parameter.requires_grad for parameter in follower.parameters())
    assert all(parameter.requires_grad for parameter in leader.parameters())


@pytest.mark.parametrize("base", [0.99, 0.996])
def test_schedule_is_byols_and_ends_at_one(base):
    total = 40
    for step in range(total + 1):
        formula = 1 - (1 - base) * (math.cos(math.pi * step / total) + 1) / 2
        assert momentum_at(step, total, base=base, final=1.0) == pytest.approx(formula, abs=1e-12)
        # lightly lets the last of K steps reach the end, so that its K steps are our K - 1
        assert momentum_at(step, total, base=base, final=1.0) == pytest.approx(
            cosine_schedule(step, total + 1, base, 1.0), abs=1e-12
        )
    assert (
        momentum_at(0, total, base=base, final=1.0),
        momentum_at(total, total, base=base, final=1.0),
    ) == (
        pytest.approx(base),
        1.0,
    )


def test_schedule_is_constant_between_equal_ends():
    assert {momentum_at(step, 7, base=0.999, final=0.999) for step in range(7)} == {0.999}
    assert momentum_at(5, 10, base=0.99, final=0.999) == pytest.approx((0.99 + 0.999) / 2)

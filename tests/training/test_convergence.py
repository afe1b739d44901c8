"""Whether a loss still falls at the end: the rule, on planted losses, and what is kept for it."""

import math

import numpy as np
import pytest
import torch

from fourlenses.training.convergence import PARTS, LossRecord, LossSummary, not_converged
from fourlenses.training.schedule import learning_rate


def record(losses):
    loss_record = LossRecord(len(losses), "cpu")
    for step, loss in enumerate(losses):
        loss_record.add(step, torch.tensor(loss, dtype=torch.float32))
    return loss_record


def descent(steps, scale, noise=0.1, seed=0, floor=1.0):
    """Return a loss that decays from 3 above its floor, with noise.

    It decays with the sum of the learning rates of a cosine: exp(-sum / scale).
    """
    warmup = steps // 20
    rates = np.array(
        [
            learning_rate(step, total_steps=steps, warmup_steps=warmup, peak=1.0)
            for step in range(steps)
        ]
    )
    return (
        floor
        + 3 * np.exp(-np.cumsum(rates) / scale)
        + np.random.default_rng(seed).normal(0, noise, steps)
    )


def test_the_summary_is_numpys():
    losses = np.random.default_rng(0).normal(5, 1, 115).astype(np.float32)
    summary = record(losses).summary()
    parts = [losses[np.arange(115) * PARTS // 115 == part].astype(float) for part in range(PARTS)]
    assert summary.steps == [len(part) for part in parts]
    assert sum(summary.steps) == 115
    assert summary.mean == pytest.approx([part.mean() for part in parts], rel=1e-12)
    assert summary.standard_error == pytest.approx(
        [part.std(ddof=1) / math.sqrt(len(part)) for part in parts], rel=1e-6
    )


def test_a_resumed_record_has_the_same_bits():
    losses = descent(100, 20)
    whole, first = record(losses), LossRecord(100, "cpu")
    for step, loss in enumerate(losses[:37]):
        first.add(step, torch.tensor(loss, dtype=torch.float32))
    second = LossRecord(100, "cpu", first.state)
    for step in range(37, 100):
        second.add(step, torch.tensor(losses[step], dtype=torch.float32))
    assert torch.equal(second.state, whole.state)


@pytest.mark.parametrize(("steps", "noise"), [(112, 0.02), (600, 0.05), (5000, 0.15)])
def test_a_descent_cut_short_is_named_and_one_that_arrived_is_not(steps, noise):
    """The sum of all rates, half the steps, is 0.8 times the scale of the descent, or 15 times.

    Over ten seeds of noise.
    """
    short = [
        not_converged(record(descent(steps, steps / 1.6, noise, seed)).summary())
        for seed in range(10)
    ]
    arrived = [
        not_converged(record(descent(steps, steps / 30, noise, seed)).summary())
        for seed in range(10)
    ]
    assert all(short)
    assert sum(sentence is not None for sentence in arrived) <= 1  # 5 % by chance


def test_the_sentence_says_how_far_it_fell():
    means = [4.0] * 12 + [2.0] * 4 + [1.5] * 4
    summary = LossSummary([10] * PARTS, means, [0.01] * PARTS)
    assert not_converged(summary) == (
        "the loss still fell at the end of the 200 steps: 1.5 over their last fifth, 0.5 below the "
        "fifth before, which is 20.0 % of its whole fall; train longer"
    )


@pytest.mark.parametrize(
    ("means", "error", "named"),
    [
        ([4.0] * 12 + [2.0] * 4 + [1.5] * 4, 0.01, True),
        ([4.0] * 12 + [2.0] * 4 + [1.5] * 4, 1.0, False),  # within noise
        ([4.0] * 12 + [1.53] * 4 + [1.5] * 4, 1e-4, False),  # 1 % of the fall, though above noise
        ([4.0] * 12 + [1.56] * 4 + [1.5] * 4, 1e-4, True),  # 2.4 %
        ([4.0] * 12 + [1.5] * 4 + [2.0] * 4, 0.01, False),  # it rises
        ([1.0] * 12 + [1.5] * 8, 0.01, False),  # it never fell
        (
            [0.1, *[4.0] * 11, *[2.0] * 4, *[1.5] * 4],
            0.01,
            True,
        ),  # MoCo's queue fills: the loss rises before it falls
    ],
)
def test_the_rule(means, error, named):
    assert (not_converged(LossSummary([10] * PARTS, means, [error] * PARTS)) is not None) == named


def test_what_is_unknown_is_not_named():
    assert not_converged(LossSummary()) is None  # nothing was trained
    assert (
        not_converged(record(np.linspace(9, 1, 39)).summary()) is None
    )  # one loss in a twentieth: no noise to compare with
    assert not_converged(record(np.linspace(9, 1, 40)).summary()) is not None
    assert not_converged(record([3.0, 2.0]).summary()) is None
    late = LossRecord(100, "cpu")  # resumed from a checkpoint of an earlier version, at step 70
    for step in range(70, 100):
        late.add(step, torch.tensor(100.0 - step))
    assert not_converged(late.summary()) is None

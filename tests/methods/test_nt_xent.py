import math

import pytest
import torch
from lightly.loss import NTXentLoss

from fourlenses.methods.nt_xent import nt_xent


def algorithm_1(z1, z2, temperature):
    """SimCLR's Algorithm 1 in plain Python: interleaved rows, l(2k-1, 2k) + l(2k, 2k-1)."""
    rows = [row for pair in zip(z1.tolist(), z2.tolist(), strict=True) for row in pair]
    norms = [math.sqrt(sum(value * value for value in row)) for row in rows]
    count = len(rows)
    similarity = [
        [
            sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) / (norms[i] * norms[j])
            for j in range(count)
        ]
        for i in range(count)
    ]

    def term(i, j):
        others = sum(math.exp(similarity[i][k] / temperature) for k in range(count) if k != i)
        return -math.log(math.exp(similarity[i][j] / temperature) / others)

    return sum(term(k, k + 1) + term(k + 1, k) for k in range(0, count, 2)) / count


def pairs(batch, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, width, generator=generator), torch.randn(
        batch, width, generator=generator
    )


GRID = [
    (batch, width, temperature)
    for batch in (2, 5, 16)
    for width in (1, 3, 32)
    for temperature in (0.1, 0.5, 1.0)
]


@pytest.mark.parametrize(("batch", "width", "temperature"), GRID)
def test_equals_algorithm_1_and_lightly(batch, width, temperature):
    z1, z2 = pairs(batch, width)
    loss, _ = nt_xent(z1, z2, temperature)
    assert loss.item() == pytest.approx(algorithm_1(z1, z2, temperature), abs=1e-5)
    assert loss.item() == pytest.approx(
        NTXentLoss(temperature=temperature)(z1, z2).item(), abs=1e-5
    )


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_gradient_equals_lightlys(temperature):
    ours, theirs = ([tensor.clone().requires_grad_() for tensor in pairs(12, 16)] for _ in range(2))
    nt_xent(*ours, temperature)[0].backward()
    NTXentLoss(temperature=temperature)(*theirs).backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("batch", [2, 7])
def test_closed_form_of_orthogonal_pairs(batch):
    """Equal views, orthogonal between images: -log(e^(1/t) / (e^(1/t) + 2N - 2)), at any length."""
    z = torch.eye(batch)
    loss, accuracy = nt_xent(z, 5 * z, 0.5)
    assert loss.item() == pytest.approx(math.log(math.exp(2) + 2 * batch - 2) - 2, abs=1e-6)
    assert accuracy.item() == 1.0


def test_accuracy_counts_rows_nearest_to_their_positive():
    z1 = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.1]])
    z2 = torch.tensor(
        [[1.0, 0.1], [0.1, 1.0], [0.2, 1.0]]
    )  # the third view lies with the second pair
    # Rows that find their positive: both of pair 0; z1[1] (0.1 beats 0.2); z2[1] is nearer to
    # z2[2]; none of pair 2.
    assert nt_xent(z1, z2, 0.5)[1].item() == pytest.approx(3 / 6)


def test_half_precision_under_autocast_is_computed_in_single():
    z1, z2 = pairs(8, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = nt_xent(z1, z2, 0.1)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(nt_xent(z1, z2, 0.1)[0].item(), abs=1e-6)


@pytest.mark.parametrize(
    ("other", "temperature", "message"),
    [((3, 4), 0.5, "one shape"), ((2, 4), 0.0, "temperature above 0")],
)
def test_wrong_arguments_are_refused(other, temperature, message):
    with pytest.raises(ValueError, match=message):
        nt_xent(torch.rand(2, 4), torch.rand(other), temperature)

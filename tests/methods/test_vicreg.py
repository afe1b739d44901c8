import numpy as np
import pytest
import torch
from lightly.loss import VICRegLoss

from fourlenses.methods.vicreg import vicreg
from tests.helpers.tiny import tiny, views


def pairs(batch, width, seed=0):
    """Two correlated batches, some of whose dimensions have deviations below 1 and some above."""
    generator = torch.Generator().manual_seed(seed)
    z1 = torch.randn(batch, width, generator=generator) * torch.linspace(0.2, 2, width) + 1
    return z1, z1 + 0.5 * torch.randn(batch, width, generator=generator)


def equations(z1, z2):
    """Equations 1 to 5 in float64, loop by loop: invariance, both views' variance, covariance."""
    z1, z2 = (z.double().numpy() for z in (z1, z2))
    count, width = z1.shape
    invariance = sum(((a - b) ** 2).sum() for a, b in zip(z1, z2, strict=True)) / count
    variances, covariances = [], []
    for z in (z1, z2):
        variances.append(
            sum(max(0.0, 1 - np.sqrt(z[:, j].var(ddof=1) + 1e-4)) for j in range(width)) / width
        )
        matrix = sum(np.outer(row - z.mean(0), row - z.mean(0)) for row in z) / (count - 1)
        covariances.append(
            sum(matrix[i, j] ** 2 for i in range(width) for j in range(width) if i != j) / width
        )
    return invariance, variances, covariances


@pytest.mark.parametrize(("batch", "width"), [(2, 1), (8, 3), (64, 16)])
def test_terms_equal_the_equations(batch, width):
    """The official code divides the invariance by the width and halves the variance terms' sum."""
    z1, z2 = pairs(batch, width)
    invariance, variances, covariances = equations(z1, z2)
    for ours, paper in zip(
        vicreg(z1, z2), (invariance / width, sum(variances) / 2, sum(covariances)), strict=True
    ):
        assert ours.item() == pytest.approx(paper, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("weights", [(25.0, 25.0, 1.0), (1.0, 2.0, 3.0)])
def test_method_weighs_the_terms_as_lightly_does(weights):
    names = ("invariance", "variance", "covariance")
    method = tiny(
        "vicreg", **{f"{name}_weight": weight for name, weight in zip(names, weights, strict=True)}
    )
    ours, theirs = ([z.clone().requires_grad_() for z in pairs(16, 8)] for _ in range(2))
    loss, diagnostics = method.loss(tuple(ours), (), torch.zeros(16))
    expected = VICRegLoss(*weights)(*theirs)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert [diagnostics[name].item() for name in names] == pytest.approx(
        [term.item() for term in vicreg(*ours)]
    )
    assert not any(value.requires_grad for value in diagnostics.values())
    loss.backward()
    expected.backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-4)


def test_half_precision_under_autocast_is_computed_in_single():
    z1, z2 = pairs(16, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = vicreg(z1, z2)
    for ours, single in zip(terms, vicreg(z1, z2), strict=True):
        assert (ours.dtype, ours.item()) == (torch.float32, pytest.approx(single.item(), rel=1e-6))


def test_embeddings_are_the_projections_of_each_view():
    method = tiny("vicreg")
    images = views()
    for ours, view in zip(method.embed(images), images, strict=True):
        torch.testing.assert_close(ours, method.head(method.encoder(view)))

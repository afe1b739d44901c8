import numpy as np
import pytest
import torch
from lightly.loss import BarlowTwinsLoss

from fourlenses.methods.barlow_twins import barlow_twins
from fourlenses.methods.collapse import embedding_std
from tests.helpers.tiny import tiny, views


def pairs(batch, width, seed=0):
    """Two correlated, off-centre batches."""
    generator = torch.Generator().manual_seed(seed)
    z1 = 2 * torch.randn(batch, width, generator=generator) + 1
    return z1, z1 + torch.randn(batch, width, generator=generator)


def equations(z1, z2, weight, epsilon=0.0):
    """Equations 1 and 2 in float64, entry by entry; equation 2 sums mean-centred embeddings."""
    a, b = (z.double().numpy() - z.double().numpy().mean(0) for z in (z1, z2))
    count, total = len(a), 0.0
    for i in range(a.shape[1]):
        for j in range(a.shape[1]):
            norms = np.sqrt((a[:, i] ** 2).sum() + count * epsilon) * np.sqrt(
                (b[:, j] ** 2).sum() + count * epsilon
            )
            entry = (a[:, i] * b[:, j]).sum() / norms
            total += (1 - entry) ** 2 if i == j else weight * entry**2
    return total


@pytest.mark.parametrize(("batch", "width"), [(4, 1), (8, 3), (64, 16)])
@pytest.mark.parametrize("weight", [0.0051, 1.0])
def test_loss_equals_the_equations_and_lightly(batch, width, weight):
    z1, z2 = pairs(batch, width)
    loss = barlow_twins(z1, z2, weight).item()
    assert loss == pytest.approx(
        equations(z1, z2, weight, epsilon=1e-5), rel=1e-5, abs=1e-5
    )  # batch norm's 1e-5 in each variance
    assert loss == pytest.approx(
        equations(z1, z2, weight), rel=1e-4, abs=1e-4
    )  # the paper's, which have none
    assert loss == pytest.approx(
        BarlowTwinsLoss(lambda_param=weight)(z1, z2).item(), rel=1e-5, abs=1e-5
    )


def test_gradient_equals_lightlys():
    ours, theirs = ([z.clone().requires_grad_() for z in pairs(16, 8)] for _ in range(2))
    barlow_twins(*ours, 0.0051).backward()
    BarlowTwinsLoss(lambda_param=0.0051)(*theirs).backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-4)


def test_uncorrelated_equal_views_have_no_loss_and_scale_and_offset_do_not_count():
    hadamard = torch.tensor(
        [[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    )  # centred, orthogonal columns
    assert barlow_twins(hadamard, hadamard, 1.0).item() == pytest.approx(0, abs=1e-4)
    assert barlow_twins(hadamard, -hadamard, 1.0).item() == pytest.approx(3 * 4, rel=1e-4)
    z1, z2 = pairs(16, 8)
    assert barlow_twins(5 * z1 + 3, z2, 0.1).item() == pytest.approx(
        barlow_twins(z1, z2, 0.1).item(), rel=1e-4
    )


def test_half_precision_under_autocast_is_computed_in_single():
    z1, z2 = pairs(16, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = barlow_twins(z1, z2, 0.0051)
    assert (loss.dtype, loss.item()) == (
        torch.float32,
        pytest.approx(barlow_twins(z1, z2, 0.0051).item(), rel=1e-6),
    )


def test_method_scales_the_loss_of_its_projections():
    method = tiny("barlow_twins", loss_weight=0.1)
    first, second = views()
    loss, diagnostics = method([first, second], torch.zeros(8))
    z = [method.head(method.encoder(view)) for view in (first, second)]
    assert loss.item() == pytest.approx(0.1 * barlow_twins(*z, 0.005).item(), rel=1e-4)
    assert diagnostics["batch_projection_std"].item() == pytest.approx(
        embedding_std(z[0]).item(), abs=1e-6
    )

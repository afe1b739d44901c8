import numpy as np
import pytest
import torch
from lightly.loss.lejepa_loss import SIGReg
from scipy import integrate

from fourlenses.methods.sigreg import epps_pulley, random_directions, sigreg


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def statistic(x):
    """N times the integral, by adaptive quadrature in double precision."""
    x = x.double().numpy()

    def integrand(t):
        empirical = np.exp(1j * t * x).mean()
        return abs(empirical - np.exp(-(t**2) / 2)) ** 2 * np.exp(-(t**2) / 2)

    return len(x) * integrate.quad(integrand, -3, 3)[0]


@pytest.mark.parametrize("scale", [0.2, 1.0, 2.0])
def test_the_statistic_is_the_integral(scale):
    samples = scale * drawn(50, 4)
    expected = [statistic(column) for column in samples.T]
    # 17 knots of the trapezoidal rule against the exact integral
    assert epps_pulley(samples).tolist() == pytest.approx(expected, rel=1e-2)


def test_it_is_lightlys(monkeypatch):
    embeddings = drawn(64, 16) @ drawn(16, 16, seed=1)
    reference = SIGReg(num_vectors=128)
    directions = random_directions(16, 128, seed=3)
    monkeypatch.setattr(reference, "_generate_unit_vectors", lambda *_, **__: directions)
    assert sigreg(embeddings, directions).item() == pytest.approx(
        reference(embeddings).item(), rel=1e-5
    )


def test_a_standard_normal_has_the_statistic_of_chance_and_a_point_has_more():
    directions = random_directions(8, 64, seed=0)
    assert sigreg(drawn(1000, 8), directions) < 2
    assert sigreg(torch.zeros(1000, 8), directions) > 100
    assert sigreg(3 * drawn(1000, 8), directions) > 100


def test_directions_are_unit_vectors_of_the_seed():
    first, second, other = (random_directions(5, 7, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    torch.testing.assert_close(first.norm(dim=0), torch.ones(7))


def test_half_precision_is_computed_in_single():
    embeddings, directions = (
        drawn(32, 8),
        random_directions(8, 16, seed=0),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = sigreg(embeddings, directions)
    assert under.dtype == torch.float32
    assert under.item() == pytest.approx(sigreg(embeddings, directions).item(), rel=1e-6)

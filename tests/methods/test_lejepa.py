"""LeJEPA: its loss against the authors' formula and lightly's, and views of any number and size."""

import pytest
import torch
from lightly.loss.lejepa_loss import LeJEPALoss

from fourlenses.core.randomness import named_seed
from fourlenses.methods import lejepa
from fourlenses.methods.lejepa import invariance, runs_of_one_size
from fourlenses.methods.sigreg import random_directions
from tests.helpers.tiny import rows, tiny, train, views


def embeddings(count, batch=12, width=6):
    shared = rows(batch, width, seed=0)
    return [shared + 0.5 * rows(batch, width, seed=1 + view) for view in range(count)]


def of_the_authors(projections, directions, weight):
    """The example's loss (MINIMAL.md), knot by knot: every view is global."""
    stacked = torch.stack(projections)  # (V, N, D)
    near = (stacked.mean(0) - stacked).square().mean()
    statistic = 0.0
    for view in projections:
        for column in (view @ directions).T:
            for knot in range(17):
                t = torch.tensor(3 * knot / 16)
                window = torch.exp(-t * t / 2)
                share = (3 / 16) * (1 if knot in (0, 16) else 2)
                error = (torch.cos(column * t).mean() - window) ** 2
                error += torch.sin(column * t).mean() ** 2
                statistic += share * window * error * len(view)
    return weight * statistic / len(projections) / directions.shape[1] + (1 - weight) * near


@pytest.mark.parametrize("count", [2, 4])
def test_the_loss_is_the_authors(count):
    method = tiny("lejepa", global_views=count, sigreg_directions=5, sigreg_weight=0.02)
    projections = embeddings(count)
    seed = named_seed(method.seed, "0")
    directions = random_directions(6, 5, seed=seed)
    loss, _ = method.loss(tuple(projections), (), torch.zeros(12))
    expected = of_the_authors(projections, directions, 0.02)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_loss_and_its_gradient_are_lightlys_with_local_views(monkeypatch):
    method = tiny("lejepa", global_views=2, sigreg_weight=0.05)
    directions = rows(6, 16, seed=9)
    directions = directions / directions.norm(dim=0)
    reference = LeJEPALoss(lambda_param=0.05, sigreg_num_vectors=16)
    monkeypatch.setattr(reference.sigreg, "_generate_unit_vectors", lambda *_, **__: directions)
    monkeypatch.setattr(lejepa, "random_directions", lambda *_, **__: directions)
    ours, theirs = ([z.clone().requires_grad_() for z in embeddings(5)] for _ in range(2))
    loss, diagnostics = method.loss(tuple(ours), (), torch.zeros(12))
    expected = reference(global_proj=torch.stack(theirs[:2]), local_proj=torch.stack(theirs[2:]))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-6, rtol=1e-4)
    assert not any(value.requires_grad for value in diagnostics.values())


def test_the_centre_is_of_the_global_views():
    first, second, third = embeddings(3)
    centre = (first + second) / 2
    distances = torch.stack([(view - centre).square().mean() for view in (first, second, third)])
    assert invariance([first, second, third], 2).item() == pytest.approx(distances.mean().item())


def test_views_of_several_sizes_go_through_the_encoder_size_by_size():
    method = tiny("lejepa").eval()
    large, small = views(2), [view[:, :, :4, :4] for view in views(3, seed=1)]
    assert [len(run) for run in runs_of_one_size([*large, *small])] == [2, 3]
    embedded = method.embed([*large, *small])
    for projection, view in zip(embedded, [*large, *small], strict=True):
        torch.testing.assert_close(projection, method.head(method.encoder(view)))


def test_directions_are_new_in_each_step_and_continue_where_the_state_was_taken():
    whole, resumed = tiny("lejepa"), tiny("lejepa")
    losses = train(whole, range(4), total=4)
    begun = tiny("lejepa")
    assert train(begun, range(2), total=4) == losses[:2]
    resumed.load_state_dict(begun.state_dict())
    assert train(resumed, range(2, 4), total=4) == losses[2:]
    again = tiny("lejepa")
    again.load_state_dict(begun.state_dict())
    again.updates = 0
    assert train(again, range(2, 3), total=4) != losses[2:3]

import copy
import math

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.utils.debug import std_of_l2_normalized

from fourlenses.methods.byol import regression_loss
from fourlenses.methods.collapse import embedding_std
from fourlenses.methods.momentum_encoder import momentum_at
from tests.helpers.tiny import rows, tiny, train, trainable, views


def equation_2(predictions, targets):
    """|p/|p| - t/|t||^2 in plain Python, mean over rows."""
    total = 0.0
    for p, t in zip(predictions.tolist(), targets.tolist(), strict=True):
        lengths = [math.sqrt(sum(value * value for value in row)) for row in (p, t)]
        total += sum((a / lengths[0] - b / lengths[1]) ** 2 for a, b in zip(p, t, strict=True))
    return total / len(predictions)


@pytest.mark.parametrize(("batch", "width"), [(1, 2), (5, 3), (16, 64)])
def test_loss_equals_equation_2_and_lightly(batch, width):
    predictions, targets = rows(batch, width, 0), 3 * rows(batch, width, 1)
    loss = regression_loss(predictions, targets).item()
    assert loss == pytest.approx(equation_2(predictions, targets), abs=1e-5)
    # lightly's loss is -cos, which the paper's is twice, plus 2
    assert loss == pytest.approx(
        2 + 2 * NegativeCosineSimilarity()(predictions, targets).item(), abs=1e-5
    )


def test_loss_of_equal_opposite_and_orthogonal_rows():
    a = torch.eye(3)
    assert [round(regression_loss(a, b).item(), 6) for b in (2 * a, -a, a.roll(1, 0))] == [0, 4, 2]


def test_gradient_equals_lightlys():
    targets = rows(6, 8, 1)
    ours, theirs = (rows(6, 8, 0).requires_grad_() for _ in range(2))
    regression_loss(ours, targets).backward()
    (2 * NegativeCosineSimilarity()(theirs, targets)).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-6, rtol=1e-4)


def test_half_precision_under_autocast_is_computed_in_single():
    predictions, targets = rows(8, 32, 0), rows(8, 32, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = regression_loss(predictions, targets)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(regression_loss(predictions, targets).item(), abs=1e-6)


def test_either_view_predicts_the_others_target():
    method = tiny("byol")
    with torch.no_grad():
        for parameter in method.target_head.parameters():
            parameter *= 1.1  # as far apart as after some steps
    first, second = views()
    loss, diagnostics = method([first, second], torch.zeros(8))
    online = [method.predictor(method.head(method.encoder(view))) for view in (first, second)]
    target = [method.target_head(method.target_encoder(view)) for view in (first, second)]
    expected = equation_2(online[0], target[1]) + equation_2(online[1], target[0])
    assert loss.item() == pytest.approx(expected, abs=1e-5)
    assert diagnostics["batch_projection_std"].item() == pytest.approx(
        embedding_std(target[0]).item()
    )


def test_target_network_follows_and_is_not_trained():
    method = tiny("byol", ema_momentum=0.8)
    networks = [(method.encoder, method.target_encoder), (method.head, method.target_head)]
    for ours, theirs in networks:
        assert all(
            torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)
        )
    online = [
        *method.encoder.parameters(),
        *method.head.parameters(),
        *method.predictor.parameters(),
    ]
    assert {id(parameter) for parameter in trainable(method)} == {
        id(parameter) for parameter in online
    }
    loss, _ = method(views(), torch.zeros(8))
    loss.backward()
    assert all(parameter.grad is not None for parameter in online)
    assert all(
        parameter.grad is None for _, theirs in networks for parameter in theirs.parameters()
    )
    before = [parameter.clone() for parameter in method.target_head.parameters()]
    with torch.no_grad():
        for parameter in method.head.parameters():
            parameter += 1
    method.after_step((), 3, 10)
    for old, parameter in zip(before, method.target_head.parameters(), strict=True):
        torch.testing.assert_close(
            parameter.detach(),
            old + 1 - momentum_at(3, 10, base=0.8, final=1.0),
            atol=1e-6,
            rtol=1e-5,
        )


def test_a_resumed_run_continues_to_the_last_bit():
    straight = tiny("byol")
    train(straight, range(5), 8)
    state = copy.deepcopy(straight.state_dict())
    losses = train(straight, range(5, 8), 8)
    resumed = tiny("byol", seed=5)
    resumed.load_state_dict(state)
    assert train(resumed, range(5, 8), 8) == losses
    for (name, value), other in zip(
        straight.state_dict().items(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name


def test_embedding_std_is_lightlys_times_the_root_of_the_width():
    embeddings = 5 * rows(64, 32, 0)
    assert embedding_std(embeddings).item() == pytest.approx(
        std_of_l2_normalized(embeddings).item() * 32**0.5, abs=1e-6
    )
    assert embedding_std(rows(4096, 32, 0)).item() == pytest.approx(1, abs=0.01)
    assert embedding_std(torch.arange(1.0, 9).outer(rows(1, 32, 0)[0])).item() == pytest.approx(
        0, abs=1e-6
    )  # one direction

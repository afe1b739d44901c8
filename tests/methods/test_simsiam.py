import math

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity
from torch import nn

from fourlenses.methods.collapse import embedding_std
from fourlenses.methods.cosine import negative_cosine
from tests.helpers.tiny import rows, tiny, views


def equation_1(predictions, projections):
    """-p/|p| . z/|z| in plain Python, mean over rows."""
    total = 0.0
    for p, z in zip(predictions.tolist(), projections.tolist(), strict=True):
        lengths = [math.sqrt(sum(value * value for value in row)) for row in (p, z)]
        total -= sum(a * b for a, b in zip(p, z, strict=True)) / lengths[0] / lengths[1]
    return total / len(predictions)


@pytest.mark.parametrize(("batch", "width"), [(1, 2), (5, 3), (16, 64)])
def test_loss_equals_equation_1_and_lightly(batch, width):
    p, z = rows(batch, width, 0), 3 * rows(batch, width, 1)
    assert negative_cosine(p, z).item() == pytest.approx(equation_1(p, z), abs=1e-5)
    assert negative_cosine(p, z).item() == pytest.approx(
        NegativeCosineSimilarity()(p, z).item(), abs=1e-5
    )


def test_no_gradient_reaches_the_projection():
    p, z = rows(6, 8, 0).requires_grad_(), rows(6, 8, 1).requires_grad_()
    negative_cosine(p, z).backward()
    assert z.grad is None
    theirs = p.detach().clone().requires_grad_()
    NegativeCosineSimilarity()(theirs, z.detach()).backward()
    torch.testing.assert_close(p.grad, theirs.grad, atol=1e-6, rtol=1e-4)


def test_half_precision_under_autocast_is_computed_in_single():
    p, z = rows(8, 32, 0), rows(8, 32, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = negative_cosine(p, z)
    assert (loss.dtype, loss.item()) == (
        torch.float32,
        pytest.approx(negative_cosine(p, z).item(), abs=1e-6),
    )


def test_method_is_algorithm_1_with_its_gradient():
    """The symmetric loss of equation 4: gradients of the stopped projections would differ."""
    method = tiny("simsiam", projection_layers=3)
    first, second = views()
    loss, diagnostics = method([first, second], torch.zeros(8))
    gradients = torch.autograd.grad(loss, list(method.parameters()))
    z = [method.head(method.encoder(view)) for view in (first, second)]
    p = [method.predictor(projection) for projection in z]
    cosine = nn.CosineSimilarity(dim=1)
    expected = -(cosine(p[0], z[1].detach()).mean() + cosine(p[1], z[0].detach()).mean()) / 2
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert diagnostics["batch_projection_std"].item() == pytest.approx(
        embedding_std(z[0]).item(), abs=1e-6
    )
    for ours, plain in zip(
        gradients, torch.autograd.grad(expected, list(method.parameters())), strict=True
    ):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-3)


def test_embeddings_in_pieces_give_the_whole_batchs_gradient():
    """With running statistics: a batch is cut, and the loss's gradient goes back to each piece."""
    method = tiny("simsiam").eval()
    images, labels = views(), torch.zeros(8)
    whole = torch.autograd.grad(method(images, labels)[0], list(method.parameters()))
    pieces = [method.embed([view[part] for view in images]) for part in (slice(0, 4), slice(4, 8))]
    leaves = [torch.cat(parts).detach().requires_grad_() for parts in zip(*pieces, strict=True)]
    slopes = torch.autograd.grad(method.loss(leaves, (), labels)[0], leaves)
    for number, piece in enumerate(pieces):
        torch.autograd.backward(piece, [slope.chunk(2)[number] for slope in slopes])
    for parameter, gradient in zip(method.parameters(), whole, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-6, rtol=1e-3)

"""Micro-batches and processes leave the gradients of a batch as they are."""

import copy

import pytest
import torch

from fourlenses.methods import METHODS
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.step_config import StepConfig
from tests.helpers.processes import run_processes
from tests.helpers.tiny import tiny

ENGINE = StepConfig(torch.device("cpu"))


def batch(rows=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.rand(rows, 3, 6, 6, generator=generator, dtype=torch.float64) for _ in range(2)
    ], torch.arange(rows) % 3


def gradients(method, views, labels, micro_batch=0):
    method.zero_grad()
    loss, _, targets = add_gradients(
        method,
        views[: method.views_needed],
        labels,
        micro_batch=micro_batch,
        autocast=ENGINE.autocast(),
    )
    return (
        loss,
        {
            name: parameter.grad
            for name, parameter in method.named_parameters()
            if parameter.grad is not None
        },
        targets,
    )


def close(one, other, tolerance=1e-9):
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(
            one[name],
            other[name],
            rtol=tolerance,
            atol=tolerance,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.parametrize("name", list(METHODS))
@pytest.mark.parametrize("micro_batch", [1, 5, 12])
def test_micro_batches_give_the_gradients_of_the_whole_batch(name, micro_batch):
    method = (
        tiny(name).double().eval()
    )  # batch norm from running statistics: images are treated one by one
    views, labels = batch()
    whole, expected, targets = gradients(method, views, labels)
    pieces, accumulated, again = gradients(method, views, labels, micro_batch)
    torch.testing.assert_close(whole, pieces)
    close(expected, accumulated)
    for one, other in zip(targets, again, strict=True):
        torch.testing.assert_close(one, other)


def test_micro_batches_update_running_statistics_once_a_piece():
    method = tiny("simclr").double()
    views, labels = batch()
    gradients(method, views, labels, micro_batch=4)
    assert int(method.encoder[1].num_batches_tracked) == 3


def _one_of_two(name, groups):
    from fourlenses.models.batch_norm import set_batch_norm
    from fourlenses.parallel.distributed import shard_of

    method = set_batch_norm(tiny(name).double(), groups)
    views, labels = batch(16)
    loss, gradient, _ = gradients(method, [shard_of(view) for view in views], labels)
    return loss, gradient


@pytest.mark.parametrize(
    ("name", "groups"),
    [("simclr", 1), ("moco", 4), ("byol", 1), ("supervised", 1), ("vicreg", 1), ("lejepa", 1)],
)
def test_two_processes_give_the_gradients_of_one(name, groups):
    from fourlenses.models.batch_norm import set_batch_norm

    method = set_batch_norm(copy.deepcopy(tiny(name)).double(), groups)
    views, labels = batch(16)
    loss, expected, _ = gradients(method, views, labels)
    for theirs, gradient in run_processes(2, _one_of_two, name, groups):
        torch.testing.assert_close(loss, theirs)
        close(expected, gradient)

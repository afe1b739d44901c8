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


def _trained_resnet_of_timm(rows):
    """Train a ResNet of timm by three plain steps in double precision on a process' share of rows.

    Its branches end in a norm that begins at 0, so that their convolutions move only by the second
    step's gradients, and only by a little.
    """
    from fourlenses.methods import build_method, method_settings
    from fourlenses.methods.method import DataInfo
    from fourlenses.models.architectures import build_architecture
    from fourlenses.models.batch_norm import set_batch_norm
    from fourlenses.parallel.distributed import shard_of
    from tests.helpers.tiny import SETTINGS

    encoder, width = build_architecture("timm:test_resnet", seed=1, image_size=32)
    method = build_method(
        "simclr",
        encoder,
        width,
        settings=method_settings("simclr", SETTINGS["simclr"]),
        info=DataInfo(images=100, num_classes=5, batch_size=rows, seed=0),
    )
    set_batch_norm(method.double(), 1)
    generator = torch.Generator().manual_seed(3)
    for _ in range(3):
        views = [torch.rand(rows, 3, 32, 32, generator=generator).double() for _ in range(2)]
        _, slopes, _ = gradients(method, [shard_of(view) for view in views], torch.zeros(rows))
        with torch.no_grad():
            for name, parameter in method.named_parameters():
                if name in slopes:
                    parameter -= 0.05 * slopes[name]
    return {name: value for name, value in method.state_dict().items() if value.is_floating_point()}


def test_a_resnet_of_timm_trains_in_two_processes_as_in_one():
    """Where single precision alone is off by a few percent of the little way of such a branch."""
    expected = _trained_resnet_of_timm(16)
    for theirs in run_processes(2, _trained_resnet_of_timm, 16):
        close(expected, theirs)

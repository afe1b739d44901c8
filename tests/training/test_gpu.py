"""Agreement of a GPU with the CPU.

Losses and gradients of every method, runs, resumed runs; half precision and torch.compile.
"""

import dataclasses
import logging

import numpy as np
import pytest
import torch

from fourlenses.core.errors import Interrupted
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.methods import METHODS
from fourlenses.methods.simclr import SimCLR
from fourlenses.models.backbones import build_backbone
from fourlenses.training.step import replayed
from tests.data.augment.test_augment import smooth_images
from tests.helpers.runs import go, settings
from tests.helpers.tiny import SETTINGS, tiny, trainable, views

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
LEARNERS = [name for name in METHODS if name in SETTINGS]


@pytest.fixture(autouse=True)
def plain_float32(monkeypatch):
    """Convolutions take TF32 by default, which is a thousandth off."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def loss_and_gradients(name, device):
    method = tiny(name).to(device)
    images = [view.to(device) for view in views(method.views_needed)]
    loss, diagnostics = method(images, (torch.arange(8) % 5).to(device))
    loss.backward()
    gradients = [
        parameter.grad.cpu() for parameter in trainable(method) if parameter.grad is not None
    ]
    return [
        loss.detach().cpu(),
        *(value.detach().cpu() for value in diagnostics.values()),
        *gradients,
    ]


@pytest.mark.parametrize("name", LEARNERS)
def test_losses_and_gradients_are_those_of_a_cpu(name):
    torch.testing.assert_close(
        loss_and_gradients(name, "cuda"), loss_and_gradients(name, "cpu"), atol=1e-4, rtol=1e-3
    )


@pytest.mark.parametrize("size", [24, 64, 96])
def test_views_are_those_of_a_cpu_for_images_of_several_sizes(size):
    recipe = Augmentation(solarise=0.3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    images, ids = smooth_images(64, 60, 72), np.arange(64, dtype=np.uint64)
    make = Augment(recipe, size, seed=5)
    torch.testing.assert_close(
        make(images.cuda(), ids, epoch=2, view=1).cpu(),
        make(images, ids, epoch=2, view=1),
        atol=1e-4,
        rtol=0,
    )
    parameters = make.draw(60, 72, ids, epoch=2, view=1)
    crops = smooth_images(64, size, size)
    torch.testing.assert_close(
        make.of_crops(crops.cuda(), parameters).cpu(),
        make.of_crops(crops, parameters),
        atol=1e-4,
        rtol=0,
    )


def test_views_are_the_same_bits_every_time():
    images, ids = smooth_images(64, 60, 72).cuda(), np.arange(64, dtype=np.uint64)
    make = Augment(Augmentation(solarise=0.3), 64, seed=5)
    assert torch.equal(make(images, ids, epoch=2, view=1), make(images, ids, epoch=2, view=1))


def distance(one, other):
    """Of two encoders, relative to the second's length."""
    weights = [name for name, tensor in other.items() if tensor.is_floating_point()]
    squares = [
        sum(float((a[name] - b[name]).square().sum()) for name in weights)
        for a, b in ((one, other),)
    ]
    return (squares[0] / sum(float(other[name].square().sum()) for name in weights)) ** 0.5


@pytest.mark.parametrize("method", ["simclr", "supervised"])
def test_a_run_ends_near_the_cpus(dataset, method):
    """Rounding grows from step to step: the first steps agree, and so do the views drawn."""
    chosen = settings(method, epochs=2, precision="float32", optimizer="sgd", learning_rate=0.01)
    host, _ = go(dataset, "cpu", chosen, input="resident")
    device, record = go(dataset, "cuda", chosen, device="cuda", input="resident")
    assert "cuda" in record["device"].lower() or "nvidia" in record["device"].lower()
    assert distance(device, host) < 1e-3


def test_an_interrupted_run_ends_near_the_undisturbed(dataset):
    chosen = settings("simclr", epochs=4, precision="float32", optimizer="sgd", learning_rate=0.01)
    whole, _ = go(dataset, "whole", chosen, device="cuda", input="resident")
    with pytest.raises(Interrupted):
        go(dataset, "run", chosen, device="cuda", input="resident", max_minutes=0)
    resumed, _ = go(dataset, "run", chosen, device="cuda", input="resident")
    # cuDNN adds gradients up in no fixed order, so two undisturbed runs differ too: by 1.2e-3 once.
    # An epoch less is 5e-2 away.
    assert distance(resumed, whole) < 5e-3


@pytest.mark.parametrize("method", ["simclr", "moco", "byol", "supervised"])
def test_half_precision_learns_as_single_does(dataset, method):
    losses = {}
    for precision in ("float32", "bfloat16"):
        chosen = dataclasses.replace(
            settings(method, epochs=6, precision=precision), source=precision
        )
        _, record = go(dataset, precision, chosen, device="cuda", input="resident")
        assert record["effective"]["precision"] == precision
        losses[precision] = np.genfromtxt(
            dataset / precision / "history.csv", delimiter=",", names=True
        )["loss"]
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.15)


@pytest.mark.parametrize("method", ["simclr", "moco", "byol", "supervised"])
def test_replayed_steps_end_near_plain_ones(dataset, method, caplog):
    caplog.set_level(logging.INFO)
    chosen = settings(method, epochs=4, precision="float32", optimizer="sgd", learning_rate=0.01)
    plain, _ = go(dataset, "plain", chosen, device="cuda", input="resident")
    graph, _ = go(dataset, "graph", chosen, device="cuda", input="resident", step="graph")
    assert "steps are replayed from here on" in caplog.text
    assert "launched one by one" not in caplog.text
    assert distance(graph, plain) < 5e-3  # as two plain runs


def test_a_step_that_cannot_be_recorded_goes_on_plainly(dataset, caplog, monkeypatch):
    """The comparison of two steps would refuse it before; here the recording itself has to fail."""
    chosen = settings("simclr", epochs=4, precision="float32", optimizer="sgd", learning_rate=0.01)
    plain, _ = go(dataset, "plain", chosen, device="cuda", input="resident")
    monkeypatch.setattr(replayed, "why_not_replayed", lambda *logs: None)
    loss = SimCLR.loss

    def reading(*given):
        value, diagnostics = loss(*given)
        return value * (1 if float(value.detach()) > 0 else 2), diagnostics

    monkeypatch.setattr(SimCLR, "loss", reading)
    graph, _ = go(dataset, "graph", chosen, device="cuda", input="resident", step="graph")
    assert "launched one by one" in caplog.text
    assert distance(graph, plain) < 5e-3


def test_a_compiled_encoder_gives_the_features_of_a_plain_one():
    encoder, _ = build_backbone("resnet_small", 0)
    encoder = encoder.cuda().to(memory_format=torch.channels_last).eval()
    images = torch.rand(32, 3, 32, 32, device="cuda").contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        torch.testing.assert_close(
            torch.compile(encoder)(images), encoder(images), atol=1e-3, rtol=1e-3
        )

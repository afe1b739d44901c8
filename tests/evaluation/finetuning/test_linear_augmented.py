"""The linear classifier on augmented views, against a plain loop; the encoder stays as it was."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fourlenses.core.randomness import named_seed
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.loading.resident import load_images
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.finetuning.classifiers import PROTOCOLS
from fourlenses.evaluation.finetuning.linear_augmented import LinearAugmented
from fourlenses.models.backbones import build_backbone
from fourlenses.training.sampling import Stream
from tests.helpers.trained import CROP, HYPER, go, make_encoder, make_target, numbers, settings

NORMALISATION = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}


@pytest.fixture
def trained_methods(monkeypatch):
    """Every method that is trained, as it was before and as it is afterwards."""
    methods = []

    def watched(run, num_classes, hyper, build=PROTOCOLS["linear_augmented"]):
        method = build(run, num_classes, hyper)
        methods.append((copy.deepcopy(method.state_dict()), method))
        return method

    monkeypatch.setitem(PROTOCOLS, "linear_augmented", watched)
    return methods


def test_the_encoder_stays_as_it_is(tmp_path, trained_methods):
    encoder, target = make_encoder(tmp_path / "run", **NORMALISATION), make_target(tmp_path)
    go(
        encoder,
        target,
        settings("linear_augmented", learning_rates=[0.1, 1.0]),
        tmp_path / "checkpoints",
    )
    assert len(trained_methods) == 3
    saved = encoder.pretrained()[0].state_dict()
    for before, method in trained_methods:
        for (
            name,
            value,
        ) in method.encoder.state_dict().items():  # weights, running statistics and their counts
            assert torch.equal(value, saved[name]), name
            assert torch.equal(value, before[f"encoder.{name}"]), name
        assert not any(parameter.grad is not None for parameter in method.encoder.parameters())
        assert method.head.weight.abs().max() > 0


def test_it_is_in_evaluation_mode_while_the_classifier_trains():
    encoder, width = build_backbone("resnet_small", 0)
    method = LinearAugmented(encoder, width, 3, label_smoothing=0.0).train()
    assert method.training
    assert not any(module.training for module in method.encoder.modules())
    loss, _ = method([torch.rand(6, 3, 16, 16)], torch.arange(6) % 3)
    loss.backward()
    assert {
        name for name, parameter in method.named_parameters() if parameter.grad is not None
    } == {"head.weight", "head.bias"}


def test_pieces_give_what_the_whole_batch_gives():
    encoder, width = build_backbone("resnet_small", 0)
    whole, pieces = (
        LinearAugmented(encoder, width, 3, label_smoothing=0.0),
        LinearAugmented(encoder, width, 3, label_smoothing=0.0, piece=4),
    )
    pieces.load_state_dict(whole.state_dict())
    images = [torch.rand(10, 3, 16, 16)]
    torch.testing.assert_close(pieces.train().embed(images), whole.train().embed(images))


def test_it_is_a_plain_loop_of_torch_on_the_same_views(tmp_path, trained_methods):
    """The protocol once more, by hand.

    Shuffled passes, views, SGD with Nesterov momentum, a warm-up and half a cosine.
    """
    encoder, target = make_encoder(tmp_path / "run", **NORMALISATION), make_target(tmp_path)
    chosen = settings("linear_augmented", lr_scaling="linear", learning_rates=[3.0])
    record = go(encoder, target, chosen, tmp_path / "checkpoints")
    assert record["steps"] == 12

    network = encoder.pretrained()[0].eval()
    head = torch.nn.Linear(128, 3)
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    decayed = [
        {"params": [head.weight], "weight_decay": HYPER["weight_decays"][0]},
        {"params": [head.bias], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(decayed, lr=0.1, momentum=0.9, nesterov=True)
    rows = np.load(target.subset)
    data = load_images(target.beton, rows, 16, dataset="colours", workers=1)
    seed = named_seed(0, "evaluation")
    view, stream, peak = (
        Augment(Augmentation.from_config("crop", CROP | NORMALISATION), 16, seed),
        Stream(72, 16, seed),
        3.0 * 16 / 256,
    )
    for step in range(12):
        rate = peak if step < 1 else peak * 0.5 * (1 + math.cos(math.pi * (step - 1) / 11))
        for group in optimizer.param_groups:
            group["lr"] = rate
        positions, epochs = stream.batch(step)
        images = view(
            data.images[torch.from_numpy(positions)], data.ids[positions], epoch=epochs, view=0
        )
        with torch.no_grad():
            features = network(images)
        optimizer.zero_grad()
        F.cross_entropy(head(features), torch.from_numpy(data.labels[positions])).backward()
        optimizer.step()
    ((_, method),) = trained_methods
    torch.testing.assert_close(method.head.state_dict(), head.state_dict(), rtol=1e-4, atol=1e-6)

    test = load_images(
        target.beton,
        np.arange(len(rows) + 36)[~np.isin(np.arange(len(rows) + 36), rows)],
        16,
        dataset="colours",
        workers=1,
    )
    with torch.no_grad():
        logits = head(extract_features(network, test.images, 500, device="cpu", **NORMALISATION))
    assert np.array_equal(record["predictions"], logits.argmax(1).numpy())
    assert record["log_loss"] == pytest.approx(
        F.cross_entropy(logits, torch.from_numpy(test.labels)).item(), rel=1e-4
    )
    np.testing.assert_allclose(record["confidences"], logits.softmax(1).amax(1).numpy(), atol=1e-3)
    assert record["top1"] > 60  # features of an untrained network distinguish colours


def test_the_same_numbers_whatever_the_workers_and_again(tmp_path):
    encoder, target = make_encoder(tmp_path / "run"), make_target(tmp_path)
    records = [
        numbers(
            go(
                encoder,
                target,
                settings("linear_augmented"),
                tmp_path / "checkpoints",
                workers=workers,
                input=kind,
            )
        )
        for kind in ("resident", "streaming")
        for workers in (1, 3, 1)
    ]
    for first, *others in (records[:3], records[3:]):
        for other in others:
            np.testing.assert_equal(other, first)

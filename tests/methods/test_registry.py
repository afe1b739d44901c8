import pytest
import torch
from torch.nn import functional as F

from fourlenses.core.errors import UserError
from fourlenses.methods import METHODS, build_method, method_settings
from fourlenses.methods.method import DataInfo
from fourlenses.methods.nt_xent import nt_xent
from fourlenses.models.backbones import build_backbone
from tests.helpers.tiny import SETTINGS

SIMCLR = {
    "temperature": 0.5,
    "projection_hidden": 64,
    "projection_out": 16,
    "projection_layers": 2,
    "projection_last_norm": False,
}


def build(name, settings, seed=0, classes=5):
    encoder, width = build_backbone("resnet_small", seed=0)
    info = DataInfo(images=100, num_classes=classes, batch_size=8, seed=seed)
    method_keys = method_settings(name, settings)
    return build_method(name, encoder, width, settings=method_keys, info=info)


def views(count, batch=8):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(batch, 3, 32, 32, generator=generator) for _ in range(count)]


def test_simclr_encodes_both_views_as_one_batch():
    method = build("simclr", SIMCLR)
    first, second = views(method.views_needed)
    loss, diagnostics = method([first, second], torch.zeros(8, dtype=torch.int64))
    projections = method.head(method.encoder(torch.cat([first, second])))
    expected, accuracy = nt_xent(projections[:8], projections[8:], 0.5)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert diagnostics["contrastive_accuracy"].item() == accuracy.item()
    assert projections.shape == (16, 16)


def test_simclr_does_not_look_at_labels():
    method = build("simclr", SIMCLR).eval()
    batch = views(2)
    assert method(batch, torch.zeros(8, dtype=torch.int64))[0] == method(batch, torch.arange(8))[0]


def test_supervised_is_smoothed_cross_entropy():
    method = build("supervised", {"label_smoothing": 0.1})
    labels = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])
    (images,) = views(method.views_needed)
    loss, diagnostics = method([images], labels)
    logits = method.head(method.encoder(images))
    log_probabilities = F.log_softmax(logits, dim=1)
    targets = 0.9 * F.one_hot(labels, 5) + 0.1 / 5
    assert loss.item() == pytest.approx(
        -(targets * log_probabilities).sum(1).mean().item(), abs=1e-5
    )
    assert diagnostics["train_top1"].item() == pytest.approx(
        (logits.argmax(1) == labels).float().mean().item()
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_few_steps_lower_the_loss_of_one_batch(name):
    """Without `after_step`: a queue of the keys of the one batch would make its task harder."""
    method = build(name, SETTINGS[name])
    batch, labels = views(method.views_needed), torch.arange(8) % 5
    optimiser = torch.optim.Adam(
        [parameter for parameter in method.parameters() if parameter.requires_grad], lr=3e-3
    )
    losses = []
    for _ in range(16):
        loss, diagnostics = method(batch, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        assert all(value.ndim == 0 and not value.requires_grad for value in diagnostics.values())
    lowest = -1 if name == "simsiam" else 0
    assert losses[-1] - lowest < 0.7 * (losses[0] - lowest)


@pytest.mark.parametrize("name", METHODS)
def test_rows_of_embeddings_and_targets_are_images_in_order(name):
    """With running statistics, what part of a batch gives is that part of what the batch gives."""
    method = build(name, SETTINGS[name]).eval()
    batch = views(method.views_needed)
    for part in (slice(0, 3), slice(3, 8)):
        for compute in (method.embed, method.targets):
            for whole, piece in zip(
                compute(batch), compute([view[part] for view in batch]), strict=True
            ):
                assert len(whole) == 8
                torch.testing.assert_close(piece, whole[part], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_targets_take_no_gradient_and_every_trainable_parameter_gets_one(name):
    method = build(name, SETTINGS[name])
    batch = views(method.views_needed)
    assert not any(target.requires_grad for target in method.targets(batch))
    method(batch, torch.arange(8) % 5)[0].backward()
    for key, parameter in method.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, key


def test_heads_are_a_function_of_the_seed():
    weights = [
        build("supervised", {"label_smoothing": 0.0}, seed).head.weight for seed in (1, 1, 2)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_wrong_names_and_settings_are_refused():
    with pytest.raises(
        UserError, match=r"unknown method 'mocco' \(did you mean 'moco'\?\); known: "
    ):
        build("mocco", {})
    with pytest.raises(
        UserError, match="'simclr' lacks the key 'projection_out'; it needs projection_hidden"
    ):
        build("simclr", {key: value for key, value in SIMCLR.items() if key != "projection_out"})
    with pytest.raises(
        UserError, match=r"'simclr': unknown key 'temprature' \(did you mean 'temperature'\?\)"
    ):
        build("simclr", {**SIMCLR, "temprature": 0.1})

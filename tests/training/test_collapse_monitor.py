"""Diagnostics of an encoder in training, and what is called a collapse."""

import copy
import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.nn import functional as F

from fourlenses.data.synthetic import draw, label
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.methods.nt_xent import nt_xent
from fourlenses.models.backbones import build_backbone
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.models.heads import ProjectionHead
from fourlenses.training.collapse_monitor import (
    SETTLED_STEPS,
    CollapseMonitor,
    choose_monitored_images,
    collapse,
    effective_rank,
    embedding_std,
    knn_top1,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def drawn():
    """192 synthetic scenes of 32 px and their fine classes."""
    indices = np.arange(192)
    images = np.stack([draw("scenes", 0, int(i)) for i in indices])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(
        label("scenes", 0, indices)
    )


@pytest.fixture(scope="module")
def health(drawn):
    images, labels = drawn
    return CollapseMonitor(images[:96], labels[:96], mean=None, std=None, device=CPU, batch_size=40)


def features(rows=60, width=12, seed=0):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def test_effective_rank_equals_numpys():
    for shape in ((60, 12), (12, 60)):
        values = features(*shape)
        singular = np.linalg.svd(values.double().numpy(), compute_uv=False)
        shares = singular / np.abs(singular).sum() + 1e-7
        assert effective_rank(values) == pytest.approx(
            np.exp(-(shares * np.log(shares)).sum()), rel=1e-9
        )


def test_effective_rank_of_known_cases():
    for directions in (1, 3, 12):
        basis = torch.linalg.qr(features(60, 12))[0][:, :directions]  # orthonormal columns
        assert effective_rank(
            basis @ torch.linalg.qr(features(12, 12))[0][:directions]
        ) == pytest.approx(directions, rel=1e-4)
    assert effective_rank(torch.full((60, 12), 0.3)) == pytest.approx(1, abs=1e-4)
    assert effective_rank(torch.zeros(60, 12)) == pytest.approx(1, abs=1e-4)


def test_embedding_std_equals_numpys():
    values = features() + 0.5
    directions = values.double().numpy() / np.linalg.norm(
        values.double().numpy(), axis=1, keepdims=True
    )
    assert embedding_std(values) == pytest.approx(
        directions.std(axis=0).mean() * math.sqrt(12), rel=1e-12
    )
    assert embedding_std(features(20000, 32)) == pytest.approx(1, abs=0.01)
    assert (
        embedding_std(torch.arange(1, 61)[:, None] * torch.ones(12)) < 1e-7
    )  # lengths do not count
    assert embedding_std(torch.zeros(60, 12)) == 0


@pytest.mark.parametrize("rows", [12, 60])
def test_neighbours_equal_scikit_learns(rows):
    values = features(rows) + torch.arange(rows)[:, None] % 4  # four blurred clusters
    labels = torch.tensor([3, 5, 9, 11])[torch.arange(rows) % 4]
    labels[::7] = 5
    right = 0
    for held_out in range(rows):
        others = [row for row in range(rows) if row != held_out]
        vote = KNeighborsClassifier(
            min(20, rows - 1),
            metric="cosine",
            weights=lambda distances: np.exp((1 - distances) / 0.07),
        )
        vote.fit(values[others].numpy(), labels[others].numpy())
        right += int(vote.predict(values[[held_out]].numpy())[0] == labels[held_out].item())
    assert 0 < right < rows
    assert knn_top1(values, labels) == pytest.approx(100 * right / rows)


@pytest.mark.parametrize("groups", [1, 4])
def test_measuring_leaves_no_trace(drawn, groups):
    images, labels = drawn
    encoder = (
        set_batch_norm(build_backbone("resnet_small", seed=0)[0], groups)
        .to(memory_format=torch.channels_last)
        .train()
    )
    encoder.layer2.eval()  # another mode than the rest
    head = ProjectionHead(128, 32, 16, layers=2).train()
    both = nn.ModuleList([encoder, head])
    before, modes = copy.deepcopy(both.state_dict()), [module.training for module in both.modules()]
    formats = [parameter.stride() for parameter in both.parameters()]
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    torch.manual_seed(0)
    random = torch.get_rng_state()
    measured = CollapseMonitor(
        images[:50], labels[:50].numpy(), mean=mean, std=std, device=CPU, batch_size=16
    ).measure(encoder, head)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in both.state_dict().items())
    assert [module.training for module in both.modules()] == modes
    assert [parameter.stride() for parameter in both.parameters()] == formats
    assert list(measured) == [
        "embedding_std",
        "effective_rank",
        "knn_top1",
        "projection_std",
        "projection_rank",
    ]
    expected = extract_features(encoder, images[:50], 16, device=CPU, mean=mean, std=std)
    assert measured["embedding_std"] == pytest.approx(embedding_std(expected), rel=1e-6)
    assert measured["effective_rank"] == pytest.approx(effective_rank(expected), rel=1e-6)
    assert measured["projection_std"] == pytest.approx(
        embedding_std(head.eval()(expected).detach()), rel=1e-5
    )


class Scores(nn.Module):
    """Features of an image made of its mean colours, (n, 3), by a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images.mean((2, 3)))


def test_constant_and_one_dimensional_encoders_are_called_collapsed(health):
    direction = F.normalize(features(1, 64))
    constant = health.measure(Scores(lambda colours: direction.expand(len(colours), 64)))
    assert collapse(constant, 100, 64).startswith(
        "The encoder collapsed: its features hardly differ between images (embedding_std "
    )
    almost = health.measure(
        Scores(lambda colours: direction + 0.01 * (colours - 0.5) @ features(3, 64, seed=1) / 8)
    )
    assert collapse(almost, 100, 64).startswith("The encoder collapsed")
    line = health.measure(
        Scores(lambda colours: (colours[:, :1] - 0.5) * direction)
    )  # either way along it
    assert line["embedding_std"] > 0.3
    assert collapse(line, 100, 64).startswith(
        "The encoder collapsed: its 64 features vary along one direction (effective_rank 1 "
    )
    assert (
        collapse(health.measure(Scores(lambda colours: colours[:, :1] - 0.5)), 100, 1) is None
    )  # of one feature that is right


def test_what_is_not_finite_measures_nan_and_is_no_collapse(health):
    measured = health.measure(Scores(lambda colours: colours / 0 * 0))
    assert all(math.isnan(value) for value in measured.values())
    assert collapse(measured, 100, 3) is None


@pytest.mark.parametrize("name", ["resnet_small", "resnet_small_wide"])
def test_random_encoders_are_not_called_collapsed(drawn, health, name):
    encoder, width = build_backbone(name, seed=1)
    assert collapse(health.measure(encoder), 0, width) is None
    with torch.no_grad():
        for start in range(SETTLED_STEPS):
            encoder.train()(drawn[0][96 + start : 128 + start].float() / 255)
    measured = health.measure(encoder)
    assert collapse(measured, SETTLED_STEPS, width) is None
    assert measured["embedding_std"] > 0.2


def attraction(first, second):
    """What is left of SimSiam's objective without its stop-gradient: a constant is best."""
    return -F.cosine_similarity(first, second).mean()


@pytest.mark.parametrize(
    "loss", [lambda *views: nt_xent(*views, 0.5)[0], attraction], ids=["simclr", "attraction"]
)
def test_training_is_called_collapsed_where_it_is(drawn, health, loss):
    encoder, width = build_backbone("resnet_small", seed=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = ProjectionHead(width, 128, 64, layers=2)
    optimiser = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.05, momentum=0.9)
    generator, steps = torch.Generator().manual_seed(0), 60
    for _ in range(steps):
        batch = drawn[0][torch.randperm(len(drawn[0]), generator=generator)[:48]].float() / 255
        gains = 0.6 + 0.8 * torch.rand(2, 48, 3, 1, 1, generator=generator)
        projections = head(encoder(torch.cat([batch * gains[0], batch.flip(3) * gains[1]])))
        optimiser.zero_grad()
        loss(*projections.chunk(2)).backward()
        optimiser.step()
    measured = health.measure(encoder, head)
    sentence = collapse(measured, steps, width)
    assert measured["embedding_std"] > 0.3  # batch norm spreads the features in either case
    if loss is attraction:
        assert sentence.startswith(
            "The head collapsed: its projections hardly differ between images (projection_std 0.0"
        )
    else:
        assert sentence is None
        assert measured["projection_std"] > 0.3


def test_the_images_are_chosen_by_the_seed():
    chosen = choose_monitored_images(50, 1000, 3)
    assert np.array_equal(chosen, choose_monitored_images(50, 1000, 3))
    assert (np.diff(chosen) > 0).all()
    assert chosen.min() >= 0
    assert chosen.max() < 1000
    assert not np.array_equal(chosen, choose_monitored_images(50, 1000, 4))
    assert np.array_equal(choose_monitored_images(50, 20, 3), np.arange(20))


def test_refusals(drawn):
    images, labels = drawn
    for wrong in (images.float(), images[:1], images[:, 0], images[:5]):
        few = labels[: 1 if len(wrong) == 1 else 192]
        with pytest.raises(ValueError, match="the collapse monitor needs"):
            CollapseMonitor(wrong, few, mean=None, std=None, device=CPU, batch_size=16)

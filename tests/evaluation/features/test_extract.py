"""Feature extraction."""

import numpy as np
import pytest
import torch

from fourlenses.evaluation.features.extract import extract_features


@pytest.fixture
def images():
    return torch.tensor(np.random.default_rng(0).integers(0, 256, (13, 3, 8, 8)), dtype=torch.uint8)


class Mean(torch.nn.Module):
    def forward(self, batch):
        return batch.mean((2, 3))


def test_scaling_and_normalisation(images):
    plain = images.double().mean((2, 3)) / 255
    assert torch.allclose(
        extract_features(Mean(), images, 4, device="cpu").double(), plain, atol=1e-6
    )
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    expected = (plain - torch.tensor(mean)) / torch.tensor(std)
    features = extract_features(Mean(), images, 4, device="cpu", mean=mean, std=std)
    assert torch.allclose(features.double(), expected, atol=1e-5)
    assert features.dtype == torch.float32
    assert images.dtype == torch.uint8


def test_evaluation_mode_and_no_trace_left(images):
    torch.manual_seed(0)
    encoder = torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3), torch.nn.BatchNorm2d(5), torch.nn.Dropout(0.5), Mean()
    ).train()
    encoder[1].eval()  # another mode than the rest
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    a, b = (extract_features(encoder, images, size, device="cpu") for size in (13, 3))
    assert torch.allclose(a, b, atol=1e-5)  # batch statistics or dropout would differ
    assert not a.requires_grad
    assert encoder.training
    assert not encoder[1].training
    assert encoder[2].training
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, before[key])


def test_features_can_be_trained_on(images):
    """They leave inference mode, in which a tensor could not be saved for a backward pass."""
    features = extract_features(Mean(), images, 4, device="cpu")
    weight = torch.zeros(3, requires_grad=True)
    (features @ weight).sum().backward()
    assert weight.grad.shape == (3,)


def test_refusals(images):
    with pytest.raises(ValueError, match="uint8"):
        extract_features(Mean(), images.float(), 4, device="cpu")
    with pytest.raises(ValueError, match="N > 0"):
        extract_features(Mean(), images[:0], 4, device="cpu")
    with pytest.raises(ValueError, match="batch_size"):
        extract_features(Mean(), images, 0, device="cpu")
    with pytest.raises(ValueError, match="together"):
        extract_features(Mean(), images, 4, device="cpu", mean=(0, 0, 0))
    with pytest.raises(ValueError, match=r"must return \(n, D\)"):
        extract_features(torch.nn.Identity(), images, 4, device="cpu")

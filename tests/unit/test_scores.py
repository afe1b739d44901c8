"""Scores of a linear classifier against a plain sort."""

import numpy as np
import pytest
import torch

from fourlenses.evaluation import scores
from fourlenses.evaluation.scores import score


def test_predictions_top5_and_log_loss(monkeypatch):
    monkeypatch.setattr(scores, "BLOCK_ELEMENTS", 100)  # several blocks, the last one short
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((95, 12)).astype(np.float32), rng.integers(0, 12, 95)
    bias = rng.standard_normal(12).astype(np.float32)
    found = score(torch.tensor(logits), torch.tensor(labels), torch.eye(12), torch.tensor(bias))
    order = np.argsort(-(logits + bias), 1)
    assert (found.predictions == order[:, 0]).all()
    assert (found.in_top5 == (order[:, :5] == labels[:, None]).any(1)).all()
    wide = (logits + bias).astype(float)
    loss = np.log(np.exp(wide).sum(1)) - wide[np.arange(95), labels]
    assert found.log_loss == pytest.approx(loss.mean(), abs=1e-6)


def test_equal_logits_go_to_the_lower_class():
    found = score(torch.zeros(8, 2), torch.arange(8), torch.zeros(8, 2), torch.zeros(8))
    assert found.predictions.tolist() == [0] * 8
    assert found.in_top5.tolist() == [True] * 5 + [False] * 3

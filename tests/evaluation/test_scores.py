"""Scores of a linear classifier against a plain sort."""

import numpy as np
import pytest
import torch

from fourlenses.evaluation import scores
from fourlenses.evaluation.scores import Scores, report, score
from fourlenses.metrics.calibration import expected_calibration_error
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.metrics.mean_class_accuracy import mean_class_interval


def test_predictions_top5_and_log_loss(monkeypatch):
    monkeypatch.setattr(scores, "BLOCK_ELEMENTS", 100)  # several blocks, the last one short
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((95, 12)).astype(np.float32), rng.integers(0, 12, 95)
    bias = rng.standard_normal(12).astype(np.float32)
    scored = score(
        torch.tensor(logits), torch.tensor(labels), weights=torch.eye(12), bias=torch.tensor(bias)
    )
    order = np.argsort(-(logits + bias), 1)
    assert (scored.predictions == order[:, 0]).all()
    assert (scored.in_top5 == (order[:, :5] == labels[:, None]).any(1)).all()
    wide = (logits + bias).astype(float)
    loss = np.log(np.exp(wide).sum(1)) - wide[np.arange(95), labels]
    assert scored.log_loss == pytest.approx(loss.mean(), abs=1e-6)
    probability = (np.exp(wide) / np.exp(wide).sum(1, keepdims=True)).max(1)
    assert scored.confidences.dtype == np.float16
    assert scored.confidences == pytest.approx(probability, abs=5e-4)


def test_equal_logits_go_to_the_lower_class():
    scored = score(
        torch.zeros(8, 2), torch.arange(8), weights=torch.zeros(8, 2), bias=torch.zeros(8)
    )
    assert scored.predictions.tolist() == [0] * 8
    assert scored.in_top5.tolist() == [True] * 5 + [False] * 3


def test_a_class_that_is_never_predicted_and_logits_far_apart():
    logits = torch.tensor([[300.0, -300.0, -1e4], [0.0, 300.0, -1e4]])
    scored = score(logits, torch.tensor([0, 0]), weights=torch.eye(3), bias=torch.zeros(3))
    assert scored.confidences.tolist() == [1.0, 1.0]
    assert scored.log_loss == pytest.approx(150)


def test_report_of_an_imbalanced_target():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 3], [80, 15, 5])  # class 2 has no test image
    predictions = np.where(rng.random(100) < 0.7, labels, 2)
    confidences = rng.uniform(0.5, 1, 100).astype(np.float16)
    table = np.array([[0, 0], [0, 1], [1, 2], [1, 3]])
    levels = LabelLevels(["kind", "class"], table)
    right = predictions == labels
    scores = Scores(predictions=predictions, in_top5=right, log_loss=1.25, confidences=confidences)
    reported = report(scores, labels, levels)
    shares = [np.mean(predictions[labels == c] == c) for c in (0, 1, 3)]
    assert reported.mean_class_top1 == pytest.approx(100 * np.mean(shares))
    assert [getattr(reported, "mean_class_top1" + end) for end in ("", "_low", "_high")] == list(
        mean_class_interval(right, labels)
    )
    assert reported.classes_tested == 3
    assert reported.log_loss == 1.25
    assert reported.ece == expected_calibration_error(confidences, right)
    assert reported.top1 == 100 * right.mean()
    assert [level.level for level in reported.levels] == ["kind", "class"]
    assert reported.predictions.dtype == np.uint16
    without = Scores(predictions=predictions, in_top5=right, log_loss=None)
    assert report(without, labels, levels).ece is None

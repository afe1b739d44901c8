"""Linear classifiers trained on the labels of each level."""

import numpy as np
import pytest
import torch

from fourlenses.evaluation.probes.contract import (
    EvaluationSettings,
    LabelledFeatures,
    ProbeContext,
)
from fourlenses.evaluation.probes.linear_per_level import evaluate_linear_per_level
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import LabelLevels

SPECIES = np.arange(5)
GENUS, FAMILY = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 0, 1])
LEVELS = LabelLevels(
    ["root", "family", "genus", "species"], np.stack([0 * SPECIES, FAMILY, GENUS, SPECIES], 1)
)
SETTINGS = EvaluationSettings(
    validation_fraction=0.2,
    torch_threads=1,
    sections={"linear": {"l2": [0.01, 0.1], "l2_of_supervised": 0.01}},
)


def test_each_level_is_learned_from_its_own_labels():
    """Features that distinguish genera and nothing finer; a root of one class is skipped."""
    rng = np.random.default_rng(0)
    centres = 4 * rng.standard_normal((3, 8))
    images = {}
    for part in ("train", "test"):
        labels = rng.integers(0, 5, 200)
        features = centres[GENUS[labels]] + rng.standard_normal((200, 8))
        images[part] = LabelledFeatures(features.astype(np.float32), labels)
    context = ProbeContext(
        dataset="animals",
        **images,
        subsets={"200": np.arange(200)},
        levels=LEVELS,
        settings=SETTINGS,
        seed=0,
        pretrained_with_labels=False,
        device=torch.device("cpu"),
    )
    (result,) = evaluate_linear_per_level(context)
    scores = {score.level: score for score in result.report.levels}
    assert list(scores) == ["family", "genus", "species"]
    assert [score.level_depth for score in scores.values()] == [1, 2, 3]
    assert [score.is_finest for score in scores.values()] == [False, False, True]
    assert [score.n_classes for score in scores.values()] == [2, 3, 5]
    assert scores["genus"].top1 > 95
    assert scores["species"].top1 == result.report.top1 < 80
    assert set(result.details["l2"]) == set(scores)
    assert set(result.predictions_of("linear_per_level")) == {
        f"linear_per_level@{level}/200" for level in scores
    }
    genus = GENUS[images["test"].labels]
    predicted = result.level_predictions["genus"]
    assert scores["genus"].top1 == pytest.approx(100 * np.mean(predicted == genus))
    (alone,) = linear_probe(
        LabelledFeatures(images["train"].features, GENUS[images["train"].labels]),
        LabelledFeatures(images["test"].features, genus),
        {"200": np.arange(200)},
        levels=LabelLevels.of_classes(3),
        l2=[0.01, 0.1],
        validation_fraction=0.2,
        seed=0,
    )
    assert np.array_equal(alone.report.predictions, predicted)

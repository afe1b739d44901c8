"""The contract of protocols on features: the registry, and the settings of a protocol."""

from dataclasses import dataclass

import pytest

from fourlenses.core.errors import UserError
from fourlenses.evaluation.probes.contract import EvaluationSettings
from fourlenses.evaluation.probes.registry import PROTOCOLS
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS

SHARED = {"validation_fraction": 0.2, "torch_threads": 1}


@dataclass
class Centroids:
    metric: str


def test_the_registry_has_the_protocols_of_the_vocabulary():
    assert set(PROTOCOLS) == set(FEATURE_PROTOCOLS)


def test_a_section_becomes_the_dataclass_of_its_protocol():
    settings = EvaluationSettings.from_config({**SHARED, "centroids": {"metric": "cosine"}})
    assert (settings.validation_fraction, settings.torch_threads) == (0.2, 1)
    assert settings.section("centroids", Centroids) == Centroids("cosine")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "lack the section 'centroids'"),
        ({"centroids": {}}, "section 'centroids' of an evaluation: .* 'metric'"),
        ({"centroids": {"metric": "l2", "k": 3}}, "unexpected keyword argument 'k'"),
        ({"centroids": 3}, "key 'centroids' is no section"),
        ({"neighbours": 3}, "'evaluation.neighbours' is now called 'evaluation.knn.k'"),
        ({"strengths": [3]}, "'evaluation.strengths' is now called 'evaluation.linear.l2'"),
    ],
)
def test_wrong_settings_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        EvaluationSettings.from_config(SHARED | changes).section("centroids", Centroids)


def test_missing_settings_are_named():
    with pytest.raises(UserError, match="lack 'torch_threads'"):
        EvaluationSettings.from_config({"validation_fraction": 0.2})

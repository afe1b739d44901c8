"""A training whose views grow."""

import pytest

from fourlenses.core.errors import Interrupted
from fourlenses.training.settings import PretrainingSettings, run_key
from tests.helpers.runs import go, same, settings

GROWING = {"progressive_sizes": [0.5, 0.5, 1], "steps": 7, "epochs": None}


@pytest.mark.parametrize(
    ("method", "kind"),
    [("simclr", "resident"), ("simclr", "streaming"), ("moco", "auto"), ("supervised", "auto")],
)
def test_interrupted_at_every_step_and_resumed_is_bit_equal(dataset, method, kind):
    chosen = settings(method, **GROWING)
    whole, record = go(dataset, "whole", chosen, input=kind)
    assert record["effective"]["progressive_sizes"] == [0.5, 0.5, 1]
    for _ in range(6):
        with pytest.raises(Interrupted):
            go(dataset, "run", chosen, max_minutes=1e-6, input=kind)
    resumed, _ = go(dataset, "run", chosen, input=kind)
    assert same(whole, resumed)


def test_growing_views_are_another_training_and_whole_ones_have_the_former_key(dataset):
    length = {"steps": 7, "epochs": None}
    plain, growing = settings(**length), settings(**GROWING)
    assert "progressive_sizes" not in plain.as_json()["hyperparameters"]
    assert run_key(plain, []) != run_key(growing, [])
    assert PretrainingSettings.from_json(growing.as_json()) == growing
    whole, _ = go(dataset, "whole", plain)
    small_first, _ = go(dataset, "small", growing)
    assert not same(whole, small_first)
    all_whole, _ = go(dataset, "ones", settings(progressive_sizes=[1, 1, 1], **length))
    assert same(whole, all_whole)

"""The choice of a learning rate, with trainings that are made up."""

import numpy as np
import pytest

from fourlenses.errors import UserError
from fourlenses.evaluation.rate_choice import Candidate, choose
from fourlenses.evaluation.training_progress import TrainingProgress
from fourlenses.randomness import named_seed, permutation

LABELS = np.arange(40) % 4


def choice(tmp_path, rates, results, labels=LABELS, fraction=0.25):
    """The choice, and the rates that were tried with their positions."""
    tried = []

    def try_rate(rate, positions, validation):
        tried.append((rate, positions, validation))
        return Candidate(*results[rate], 2.0)

    progress = TrainingProgress(tmp_path, lambda: None)
    progress.begin("resident")
    return choose(rates, labels, fraction, 3, progress, try_rate), tried


def test_the_best_on_the_held_out_labels_wins(tmp_path):
    chosen, tried = choice(tmp_path, [1.0, 0.01, 0.1], {0.01: (4, 1.0), 0.1: (8, 2.0), 1.0: (7, 0.5)})
    assert chosen.rate == 0.1
    assert chosen.record == {
        "learning_rates": [0.01, 0.1, 1.0],
        "learning_rate": 0.1,
        "n_validation": 10,
        "validation_accuracy": [40.0, 80.0, 70.0],
    }
    assert chosen.seconds == 6.0
    order = permutation(40, named_seed(3, "validation"))
    for _, positions, validation in tried:
        assert np.array_equal(validation, order[:10])
        assert np.array_equal(positions, np.sort(order[10:]))


@pytest.mark.parametrize(("losses", "best"), [((0.9, 0.7, 0.8), 0.1), ((0.7, 0.7, 0.8), 0.01)])
def test_equal_accuracy_goes_to_the_lower_loss_then_to_the_lower_rate(tmp_path, losses, best):
    results = {rate: (5, loss) for rate, loss in zip((0.01, 0.1, 1.0), losses, strict=True)}
    assert choice(tmp_path, [0.01, 0.1, 1.0], results)[0].rate == best


def test_a_rate_that_diverged_is_never_chosen(tmp_path):
    chosen, _ = choice(tmp_path, [0.1, 100.0], {0.1: (0, 9.0), 100.0: (None, None)})
    assert chosen.rate == 0.1
    assert chosen.record["validation_accuracy"] == [0.0, None]
    assert chosen.notes == ["training diverged with learning rate 100"]


def test_if_all_diverged_lower_ones_are_asked_for(tmp_path):
    with pytest.raises(UserError, match=r"every one of 'learning_rates' \[10.0, 100.0\]; name lower ones"):
        choice(tmp_path, [10.0, 100.0], {10.0: (None, None), 100.0: (None, None)})


def test_one_rate_is_taken_without_a_training(tmp_path):
    chosen, tried = choice(tmp_path, [0.3], {})
    assert (chosen.rate, tried, chosen.notes) == (0.3, [], [])
    assert chosen.record["validation_accuracy"] is None


@pytest.mark.parametrize(
    ("labels", "fraction", "reason"),
    [
        (LABELS, 0.0, "no label left for validation"),
        (np.array([0, 1]), 0.2, "no label left for validation"),
        (np.array([0, 1]), 0.6, "the 1 labels left beside validation are of one class"),
    ],
)
def test_where_there_is_nothing_to_choose_by_the_middle_rate_is_taken(tmp_path, labels, fraction, reason):
    chosen, tried = choice(tmp_path, [1.0, 0.01, 0.1, 10.0], {}, labels, fraction)
    assert (chosen.rate, tried) == (0.1, [])
    assert reason in chosen.notes[0]
    assert "the middle learning rate 0.1 was taken" in chosen.notes[0]


def test_what_was_found_is_not_found_again(tmp_path):
    results = {0.01: (4, 1.0), 0.1: (8, 2.0)}
    first, tried = choice(tmp_path, [0.01, 0.1], results)
    assert len(tried) == 2
    again, tried = choice(tmp_path, [0.01, 0.1], {})
    assert (again, tried) == (first, [])
    (tmp_path / "progress.json").write_text('{"found"')  # a damaged file costs time, not the result
    again, tried = choice(tmp_path, [0.01, 0.1], results)
    assert again == first
    assert len(tried) == 2

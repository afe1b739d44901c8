"""The choice of learning rate and weight decay, with trainings that are made up."""

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import named_seed, permutation
from fourlenses.evaluation.finetuning.candidates import Candidate, Trial, candidates_of, choose
from fourlenses.evaluation.finetuning.progress import TrainingProgress
from tests.helpers.trained import hyperparameters

LABELS = np.arange(40) % 4


def choice(tmp_path, rates, results, labels=LABELS, fraction=0.25, decays=(0.0,)):
    """Return the choice, and the candidates that were tried with their positions.

    Args:
        results: by rate, or by rate and decay.
    """
    tried = []

    def try_candidate(candidate, positions, validation):
        tried.append((candidate, positions, validation))
        key = candidate.learning_rate, candidate.weight_decay
        return Trial(*(results[key] if key in results else results[candidate.learning_rate]), 2.0)

    progress = TrainingProgress(tmp_path, lambda: None)
    progress.begin("resident")
    candidates = candidates_of(hyperparameters(learning_rates=rates, weight_decays=decays))
    chosen = choose(
        candidates,
        labels,
        fraction=fraction,
        seed=3,
        progress=progress,
        try_candidate=try_candidate,
    )
    return chosen, tried


def test_the_best_on_the_held_out_labels_wins(tmp_path):
    chosen, tried = choice(
        tmp_path, [1.0, 0.01, 0.1], {0.01: (4, 1.0), 0.1: (8, 2.0), 1.0: (7, 0.5)}
    )
    assert chosen.candidate.learning_rate == 0.1
    assert chosen.columns() == {
        "learning_rates": [0.01, 0.1, 1.0],
        "weight_decays": [0.0],
        "learning_rate": 0.1,
        "weight_decay": 0.0,
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
    assert choice(tmp_path, [0.01, 0.1, 1.0], results)[0].candidate.learning_rate == best


def test_a_rate_that_diverged_is_never_chosen(tmp_path):
    chosen, _ = choice(tmp_path, [0.1, 100.0], {0.1: (0, 9.0), 100.0: (None, None)})
    assert chosen.candidate.learning_rate == 0.1
    assert chosen.columns()["validation_accuracy"] == [0.0, None]
    assert chosen.notes == ["training diverged with learning rate 100, weight decay 0"]


def test_if_all_diverged_lower_ones_are_asked_for(tmp_path):
    with pytest.raises(
        UserError,
        match=r"every one of 'learning_rates' \[10.0, 100.0\] and 'weight_decays' \[0.0\]; "
        "name lower rates",
    ):
        choice(tmp_path, [10.0, 100.0], {10.0: (None, None), 100.0: (None, None)})


def test_one_rate_is_taken_without_a_training(tmp_path):
    chosen, tried = choice(tmp_path, [0.3], {})
    assert (chosen.candidate, tried, chosen.notes) == (Candidate(0.3, 0.0), [], [])
    assert chosen.columns()["validation_accuracy"] is None


@pytest.mark.parametrize(
    ("labels", "fraction", "reason"),
    [
        (LABELS, 0.0, "no label left for validation"),
        (np.array([0, 1]), 0.2, "no label left for validation"),
        (np.array([0, 1]), 0.6, "the 1 labels left to train on are of one class"),
    ],
)
def test_where_there_is_nothing_to_choose_by_the_middle_rate_is_taken(
    tmp_path, labels, fraction, reason
):
    chosen, tried = choice(tmp_path, [1.0, 0.01, 0.1, 10.0], {}, labels, fraction, [0.3, 0.0, 0.2])
    assert (chosen.candidate, tried) == (Candidate(0.1, 0.2), [])
    assert reason in chosen.notes[0]
    assert "the middle was taken, learning rate 0.1, weight decay 0.2" in chosen.notes[0]


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


def test_all_pairs_of_rates_and_decays_are_tried(tmp_path):
    pairs = [(0.01, 0.0), (0.01, 0.5), (0.1, 0.0), (0.1, 0.5)]
    results = dict(zip(pairs, [(1, 1.0), (2, 1.0), (3, 1.0), (9, 1.0)], strict=True))
    chosen, tried = choice(tmp_path, [0.1, 0.01], results, decays=[0.5, 0.0])
    assert [(candidate.learning_rate, candidate.weight_decay) for candidate, _, _ in tried] == pairs
    assert chosen.candidate == Candidate(0.1, 0.5)
    assert chosen.columns()["validation_accuracy"] == [
        10.0,
        20.0,
        30.0,
        90.0,
    ]  # by rate, then by decay
    assert (chosen.columns()["learning_rate"], chosen.columns()["weight_decay"]) == (0.1, 0.5)
    assert len({candidate.name for candidate, _, _ in tried}) == 4


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        (
            [(5, 0.7), (5, 0.7), (5, 0.7), (5, 0.7)],
            (0.01, 0.0),
        ),  # all alike: the lower rate, then the lower decay
        (
            [(4, 0.7), (5, 0.7), (5, 0.7), (5, 0.7)],
            (0.01, 0.5),
        ),  # the lower rate, though with the higher decay
        ([(4, 0.7), (4, 0.7), (5, 0.7), (5, 0.7)], (0.1, 0.0)),
        ([(5, 0.8), (5, 0.8), (5, 0.8), (5, 0.7)], (0.1, 0.5)),  # the log-loss comes before either
    ],
)
def test_ties_go_to_the_lower_rate_then_to_the_lower_decay(tmp_path, scores, best):
    pairs = [(rate, decay) for rate in (0.01, 0.1) for decay in (0.0, 0.5)]
    chosen, _ = choice(
        tmp_path, [0.01, 0.1], dict(zip(pairs, scores, strict=True)), decays=[0.0, 0.5]
    )
    assert (chosen.candidate.learning_rate, chosen.candidate.weight_decay) == best

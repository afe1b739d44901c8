"""Lengths of trainings by hand; the tests of trainings and of the plan check that these are used."""

import pytest

from fourlenses.study.durations import (
    FINETUNING_KEYS,
    PRETRAINING_KEYS,
    Length,
    finetuning_length,
    pretraining_length,
)


@pytest.mark.parametrize(
    ("images", "given", "expected"),
    [
        (36, {"batch_size": 16, "epochs": 6, "warmup_epochs": 1}, Length(16, 14, 2)),
        (36, {"batch_size": 64, "epochs": 6, "warmup_epochs": 1}, Length(36, 6, 1)),
        (36, {"batch_size": 64, "epochs": 6, "batch_norm_groups": 8}, Length(32, 7, 0)),
        (36, {"batch_size": 12, "epochs": 1, "processes": 6}, Length(12, 3, 0)),
        (1000, {"batch_size": 100, "steps": 70, "warmup_steps": 9}, Length(100, 70, 9)),
        (1000, {"batch_size": 100, "steps": 10, "warmup_steps": 9}, Length(100, 10, 5)),
        (1000, {"batch_size": 100, "epochs": 0.01}, Length(100, 1, 0)),
        (3, {"batch_size": 64, "epochs": 6, "batch_norm_groups": 4}, Length(0, 0, 0)),
    ],
)
def test_the_length_of_a_pretraining(images, given, expected):
    assert pretraining_length(images, **given) == expected


@pytest.mark.parametrize(
    ("labels", "changed", "expected"),
    [
        (5, {}, Length(16, 20, 2)),
        (60, {}, Length(60, 20, 2)),
        (1000, {}, Length(64, 47, 5)),
        (12_345, {}, Length(64, 300, 30)),
        (39, {"processes": 4}, Length(36, 20, 2)),
        (39, {"processes": 64}, Length(0, 0, 0)),
        (39, {"min_steps": 0, "epochs": 0.1}, Length(39, 1, 0)),
    ],
)
def test_the_length_of_a_training_on_labels(labels, changed, expected):
    given = {"batch_size": 64, "epochs": 3, "min_steps": 20, "max_steps": 300, "warmup_share": 0.1}
    assert finetuning_length(labels, **{**given, **changed}) == expected


def test_images_are_counted_as_often_as_they_come():
    assert Length(16, 14, 2).images == 224


def test_the_listed_keys_are_arguments():
    given = dict.fromkeys(PRETRAINING_KEYS, 2)
    assert pretraining_length(100, **given) == Length(2, 2, 1)
    given = dict.fromkeys(FINETUNING_KEYS, 2) | {"warmup_share": 0.5}
    assert finetuning_length(100, **given) == Length(2, 2, 1)

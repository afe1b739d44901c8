"""How long classifiers are trained: from two labels to a million."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourlenses.core.errors import UserError
from fourlenses.evaluation.finetuning import schedule as schedules
from fourlenses.evaluation.finetuning.schedule import make_schedule
from fourlenses.study.durations import LEAST_BATCH
from fourlenses.training.schedule import Schedule
from tests.helpers.trained import hyperparameters

FINE_TUNE = {
    "epochs": 30,
    "min_steps": 5000,
    "max_steps": 150000,
    "batch_size": 256,
    "lr_scaling": "linear",
    "warmup_share": 0.0,
}


@pytest.mark.parametrize(
    ("images", "batch_size", "steps", "peak", "noted"),
    [
        (
            5,
            16,
            5000,
            0.05 * 16 / 256,
            [
                "clamped to 16",
                "holds the 5 images several times",
                "9 steps; 5000 are made (min_steps)",
            ],
        ),
        (
            100,
            100,
            5000,
            0.05 * 100 / 256,
            ["clamped to 100", "30 steps; 5000 are made (min_steps)"],
        ),
        (12_811, 256, 5000, 0.05, ["1501 steps; 5000 are made (min_steps)"]),
        (128_000, 256, 15_000, 0.05, []),
        (1_000_000, 256, 117_188, 0.05, []),
        (2_686_843, 256, 150_000, 0.05, ["314864 steps; 150000 are made (max_steps)"]),
    ],
)
def test_small_sets_get_enough_steps_and_large_ones_no_more_than_asked_for(
    images, batch_size, steps, peak, noted
):
    schedule, notes = make_schedule(hyperparameters(**FINE_TUNE), images, 0.05)
    assert schedule == Schedule(
        batch_size=batch_size,
        total_steps=steps,
        warmup_steps=0,
        peak_learning_rate=pytest.approx(peak),
    )
    assert len(notes) == len(noted)
    assert all(part in note for part, note in zip(noted, notes, strict=True))


def test_warm_up_is_a_share_of_the_steps_whatever_bounds_them():
    for images in (5, 72, 10_000):
        schedule, _ = make_schedule(hyperparameters(warmup_share=0.25, max_steps=1000), images, 0.1)
        assert schedule.warmup_steps == round(schedule.total_steps / 4)


@given(
    st.integers(1, 3_000_000),
    st.integers(1, 4096),
    st.integers(1, 300),
    st.integers(0, 5000),
    st.integers(5000, 10**6),
)
def test_bounds_hold_for_any_number_of_labels(images, batch_size, epochs, least, most):
    hyper = hyperparameters(batch_size=batch_size, epochs=epochs, min_steps=least, max_steps=most)
    schedule, _ = make_schedule(hyper, images, 0.1)
    assert max(1, least) <= schedule.total_steps <= most
    assert min(batch_size, LEAST_BATCH) <= schedule.batch_size <= batch_size
    assert schedule.batch_size <= max(images, LEAST_BATCH)
    assert 0 <= schedule.warmup_steps <= schedule.total_steps


def test_a_batch_is_shared_evenly_among_processes(monkeypatch):
    monkeypatch.setattr(schedules, "world_size", lambda: 4)
    schedule, _ = make_schedule(hyperparameters(batch_size=64), 39, 0.1)
    assert schedule.batch_size == 36
    with pytest.raises(UserError, match=r"'batch_size' 18 .* cannot be divided among 4 processes"):
        make_schedule(hyperparameters(batch_size=18), 39, 0.1)

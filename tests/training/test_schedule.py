import pytest

from fourlenses.training.schedule import learning_rate, scaled_learning_rate


@pytest.mark.parametrize(
    ("step", "rate"),
    # Two steps of warm-up to 0.4, then eight of cosine: 0.2 (1 + cos(pi k / 8)) for k = step - 2.
    [
        (0, 0.2),
        (1, 0.4),
        (2, 0.4),
        (4, 0.2 * (1 + 0.5**0.5)),
        (6, 0.2),
        (8, 0.2 * (1 - 0.5**0.5)),
        (9, 0.0152241),
        (10, 0.0),
        (11, 0.0),
    ],
)
def test_rates_by_hand(step, rate):
    assert learning_rate(step, total_steps=10, warmup_steps=2, peak=0.4) == pytest.approx(
        rate, abs=1e-7
    )


def test_without_warm_up_the_first_rate_is_the_peak():
    assert learning_rate(0, total_steps=4, warmup_steps=0, peak=1.0) == 1.0
    assert learning_rate(2, total_steps=4, warmup_steps=0, peak=1.0) == pytest.approx(0.5)


def test_warm_up_may_take_the_whole_run():
    assert [learning_rate(step, total_steps=4, warmup_steps=4, peak=1.0) for step in range(5)] == [
        0.25,
        0.5,
        0.75,
        1.0,
        0.0,
    ]


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(ValueError, match="a warm-up of 5 steps does not fit into 4"):
        learning_rate(0, total_steps=4, warmup_steps=5, peak=1.0)


@pytest.mark.parametrize(
    ("base", "batch", "rule", "peak"),
    [
        (0.3, 512, "linear", 0.6),
        (0.075, 4096, "sqrt", 4.8),
        (0.1, 64, "none", 0.1),
        (0.3, 64, "linear", 0.075),
    ],
)
def test_scaling_rules_by_hand(base, batch, rule, peak):
    assert scaled_learning_rate(base, batch, rule) == pytest.approx(peak)


def test_unknown_rule_lists_the_known():
    with pytest.raises(
        ValueError, match="unknown learning rate rule 'cubic'; known: linear, sqrt, none"
    ):
        scaled_learning_rate(0.1, 64, "cubic")

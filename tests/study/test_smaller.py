"""Which encoder a larger one continues, and what is counted of it."""

import pytest

from fourlenses.study import Run
from fourlenses.study.smaller import epochs_seen, smaller_run, steps_seen

METHODS = {"simclr": {}, "simclr_grown": {"smaller_first": [2000, 500]}, "random": {}}


@pytest.mark.parametrize(
    ("source", "smaller"),
    [
        ("birds-500", None),
        ("birds-501", "birds-500"),
        ("birds-2000", "birds-500"),
        ("birds-4000", "birds-2000"),
        ("birds-all", "birds-2000"),
        ("birds-4000@jpeg10", "birds-2000@jpeg10"),
        ("birds-4000+cars-4000", None),
        ("none", None),
    ],
)
def test_the_largest_listed_size_below_is_continued(source, smaller):
    run = smaller_run(METHODS, Run("simclr_grown", source, 3))
    assert run == (Run("simclr_grown", smaller, 3) if smaller else None)


def test_other_entries_begin_at_random():
    assert smaller_run(METHODS, Run("simclr", "birds-4000", 0)) is None
    assert smaller_run(METHODS, Run("external", "rn50", 0)) is None


def test_all_that_an_encoder_has_seen_is_counted():
    effective = {"total_steps": 10, "effective_epochs": 1.6, "images": 200}
    assert (steps_seen({}, effective), epochs_seen({}, effective)) == (10, 1.6)
    settings = {"smaller": {"steps": 15, "images": 240}}
    assert steps_seen(settings, effective) == 25
    assert epochs_seen(settings, effective) == pytest.approx(1.6 + 1.2)
    assert (steps_seen({}, {}), epochs_seen({}, {})) == (0, 0)

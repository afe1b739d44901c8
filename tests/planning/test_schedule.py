"""Wall time on a number of devices."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.planning.costs import total
from fourlenses.planning.plan import plan_study
from tests.planning.conftest import linear_seconds


def test_wall_time_follows_what_needs_what(config, tmp_path):
    plan = plan_study(config, tmp_path)
    for key, (start, _) in plan.times.items():
        assert all(plan.times[need][1] <= start for need in plan.jobs[key].needs)
    # two devices: the longest chain is beton (8 threads), 200 images, evaluation; the rest runs
    # meanwhile
    assert plan.wall_seconds == pytest.approx(4.5 / 8 + 300 + 15 + linear_seconds(100))
    config["plan"]["gpus"] = 1
    serial = plan_study(config, tmp_path)
    assert serial.wall_seconds == pytest.approx(
        4.5 / 8 + total(list(serial.jobs.values())).hours * 3600
    )
    config["training"]["processes"] = 2
    with pytest.raises(UserError, match=r"'training\.processes'.*plan\.gpus"):
        plan_study(config, tmp_path)

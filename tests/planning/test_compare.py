"""Finished jobs next to their estimates."""

import json

import pytest

from fourlenses.core.errors import UserError
from fourlenses.planning import compare
from fourlenses.planning.plan import plan_study


def test_finished_jobs_are_compared_with_their_estimates(config, tmp_path):
    folder = tmp_path / "results/small/pretrain/simclr/objects-200/seed0"
    with pytest.raises(UserError, match="no finished job"):
        compare.compare(plan_study(config, tmp_path), tmp_path)
    folder.mkdir(parents=True)
    (folder / "encoder.safetensors").touch()
    (folder / "run.json").write_text(
        json.dumps({"wall_time_seconds": 200, "effective": {"processes": 1}})
    )
    (row,) = compare.compare(plan_study(config, tmp_path), tmp_path)
    assert (row.estimated, row.actual, row.ratio) == (300, 200, 1.5)
    assert "| 300.0 | 200.0 | 1.50 |" in compare.table([row])

"""The plan as a table and as a figure."""

import csv

import pytest

from fourlenses.planning import figure, report
from fourlenses.planning.costs import total
from fourlenses.planning.plan import plan_study


def test_tables_and_figure(config, tmp_path):
    plan = plan_study(config, tmp_path)
    report.write_jobs(list(plan.jobs.values()), plan.times, tmp_path / "plan.csv")
    with open(tmp_path / "plan.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["job"] for row in rows if row["kind"] == "pretrain"] == sorted(
        key for key in plan.jobs if key.startswith("pretrain/")
    )
    device = [row for row in rows if row["hours_of"] == "device"]
    assert sum(float(row["hours"]) for row in device) == pytest.approx(
        total(list(plan.jobs.values())).hours, rel=1e-3
    )
    axes = figure.draw(list(plan.jobs.values()), plan.device).axes[0]
    widths = sum(
        bar.get_width() for bar in axes.patches if round(bar.get_y() + bar.get_height() / 2) == 4
    )  # all, each once; in minutes
    assert widths == pytest.approx(60 * total(list(plan.jobs.values())).hours)

"""Speeds: read, scaled, or unknown."""

from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.planning.backbones import BACKBONES
from fourlenses.planning.plan import plan_study
from tests.planning.conftest import TABLE


def test_a_speed_is_scaled_or_reported_as_unknown(config, tmp_path):
    config["backbone"], config["image_size"] = "resnet18", 64
    jobs = plan_study(config, tmp_path).jobs
    job = jobs["pretrain/simclr/objects-100/seed0"]
    measured = BACKBONES["resnet_small"].multiply_adds_at(32)
    ratio = measured / BACKBONES["resnet18"].multiply_adds_at(64)
    assert job.images / job.seconds == pytest.approx(2 * ratio)
    assert "scaled by multiply-adds from simclr, resnet_small, 32 px" in job.how
    config["datasets"]["objects"] = {"source": "image_folder", "path": "nowhere"}
    plan = plan_study(config, tmp_path)
    assert plan.jobs["objects/clean"].seconds is None
    assert "unknown" in plan.page()


def test_errors_name_the_key(config, tmp_path):
    config["plan"]["device"] = "yours"
    with pytest.raises(UserError, match=r"plan\.device.*'yours'.*mine"):
        plan_study(config, tmp_path)
    (tmp_path / "speeds.csv").write_text(TABLE.replace(",2,by", ",fast,by"))
    with pytest.raises(UserError, match=r"speeds\.csv, row 1"):
        plan_study(config, tmp_path)


def test_shipped_table_can_be_read():
    from fourlenses.planning.throughput import SHIPPED, read_table

    rows = read_table(Path(SHIPPED))
    assert all(row.source for row in rows)
    assert all(
        row.device.endswith("-published") for row in rows if "measured here" not in row.source
    )

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


def test_the_memory_of_finished_jobs_is_that_of_their_benchmarks(config, tmp_path):
    folder = tmp_path / "results/small/pretrain/simclr/objects-200/seed0"
    folder.mkdir(parents=True)
    (folder / "encoder.safetensors").touch()
    (folder / "run.json").write_text(
        json.dumps({"wall_time_seconds": 200, "effective": {"processes": 1}})
    )
    plan = plan_study(config, tmp_path)
    benchmark = tmp_path / plan.layout.benchmark("pretrain/simclr/objects-200/seed0")
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("s\tmax_rss\tcpu_time\n210\t1804.38\tNA\n")
    (row,) = compare.compare(plan, tmp_path)
    assert (row.memory, row.cpu) == (1804.38, None)
    job, kind = compare.table([row]).split("\n\n")
    assert job.endswith("| run.json |  | 1804 |")
    assert "| 1.50 | 1.50 | 1,804 |" in kind


def test_a_job_that_ended_before_the_first_measurement_has_no_memory(tmp_path):
    file = tmp_path / "short.benchmark.tsv"
    file.write_text("s\tmax_rss\tcpu_time\n0.2\t0.00\t0.4\n")
    assert compare.measured_by_snakemake(file, "max_rss") is None
    assert compare.measured_by_snakemake(file, "cpu_time") == 0.4

"""Predicted memory next to what rules ask for and what was measured."""

import csv
import re
from pathlib import Path

from fourlenses.planning import compare
from fourlenses.planning import report as plan_report
from fourlenses.planning.memory import report
from fourlenses.planning.memory.formulas import MB
from fourlenses.planning.memory.jobs import Peak
from fourlenses.planning.memory.rules import SIMILARITY_IMAGES, RuleJob
from fourlenses.planning.plan import plan_study


def job(rule, key, *, megabytes, done=False, **more):
    host = None if megabytes is None else megabytes * MB
    benchmark = Path(f"{key}.tsv")
    return RuleJob(rule=rule, key=key, peak=Peak(host, **more), benchmark=benchmark, done=done)


def test_the_largest_job_of_each_rule_stands_next_to_what_it_asks_for():
    jobs = [
        job("pretrain", "a", megabytes=600),
        job("pretrain", "b", megabytes=1_234),
        job("evaluate", "c", megabytes=7_000, asks=8_000),
        job("index_dataset", "d", megabytes=None),
    ]
    lines = report.page(jobs, {"pretrain": 8_000})
    assert lines[:4] == [
        "| rule | jobs | asks, MB | predicted, MB | of |",
        "| --- | --- | --- | --- | --- |",
        "| `evaluate` | 1 | 8,000 | 7,000 | c |",
        "| `pretrain` | 2 | 8,000 | 1,234 | b |",
    ]
    assert lines[-1].endswith("Not known of 1 jobs, as a dataset's size is not.")
    assert not any("Too little" in line for line in lines)
    assert "| `pretrain` | 2 | not known | 1,234 | b |" in report.page(jobs, {})


def test_a_rule_that_asks_for_less_than_predicted_is_named_with_what_to_set():
    jobs = [
        job("evaluate", "small", megabytes=7_000, asks=8_000),
        job("evaluate", "large", megabytes=20_000, asks=16_000),
        job("train_evaluate", "tuned", megabytes=9_000),
        job("train_evaluate", "scratch", megabytes=8_500),
    ]
    lines = report.page(jobs, {"train_evaluate": 8_000})
    assert lines[0] == (
        "**Too little memory**: `evaluate` asks for 16,000 MB, and 20,000 are predicted for large; "
        "set `evaluate: {mem_mb: 25000}` under `set-resources` of the profile, or "
        "`--set-resources evaluate:mem_mb=25000`."
    )
    assert "9,000 are predicted for tuned (2 jobs of 2 are above what they ask for)" in lines[2]
    done = [job("pretrain", "a", megabytes=9_000, done=True), job("pretrain", "b", megabytes=10)]
    assert not any("Too little" in line for line in report.page(done, {"pretrain": 8_000}))
    # a profile that asks for more for all of a rule's jobs
    assert not any("Too little" in line for line in report.page(jobs[:2], {"evaluate": 48_000}))


def test_memory_of_gpus_has_a_column_where_something_trains_on_one():
    jobs = [job("pretrain", "a", megabytes=600, gpu=24_000 * MB), job("beton", "b", megabytes=100)]
    lines = report.page(jobs, {})
    assert lines[0].endswith("| of | of each GPU, MB |")
    assert "| `pretrain` | 1 | not known | 600 | a | 24,000 |" in lines
    assert "| `beton` | 1 | not known | 100 | b |  |" in lines
    assert "the host's memory of jobs on a GPU has not been compared" in lines[-1]


def test_predicted_over_measured_of_the_jobs_that_ran():
    sizes = {"a": 600, "b": 900, "c": 1_000, "d": None}
    jobs = [job("pretrain", key, megabytes=size) for key, size in sizes.items()]
    measured = {"a.tsv": 500.0, "b.tsv": 1_000.0, "d.tsv": 7.0}
    assert report.check(jobs, measured)[2:] == [
        "| `pretrain` | 2 | 900 | 1,000 | 1.05 | 0.90 | 1.20 |"
    ]


def test_the_datasets_of_the_domain_lens_are_compared_by_as_many_images(config, tmp_path):
    program = (Path(__file__).parents[3] / "workflow_scripts/measure_similarity.py").read_text()
    (default,) = re.findall(r'"--images", type=int, default=(\d+)', program)
    assert int(default) == SIMILARITY_IMAGES
    config["device"] = "cpu"
    config["domain"]["datasets"] = ["objects", "scenes"]
    config["datasets"]["scenes"] = config["datasets"]["objects"] | {"domain": "scenes"}
    (compared,) = (
        job for job in plan_study(config, tmp_path).memory if job.rule == "measure_similarity"
    )
    # 50 test images, in the network without gradients: next to nothing
    assert 690 < compared.peak.host / MB < 700
    assert (compared.peak.asks, compared.done) == (None, False)


def test_the_plan_and_its_check_show_them(config, tmp_path):
    config["device"] = "cpu"
    plan = plan_study(config, tmp_path, asked={"pretrain": 100, "write_beton": 4_000})
    page = plan.page()
    assert "**Too little memory**: `pretrain` asks for 100 MB" in page
    assert "| `write_beton` | 1 | 4,000 |" in page
    assert "| `index_dataset` | 1 | not known | 120 | objects |" in page
    plan_report.write_jobs(list(plan.jobs.values()), plan.times, tmp_path / "plan.csv")
    rows = {row["job"]: row for row in csv.DictReader((tmp_path / "plan.csv").open())}
    key = "pretrain/simclr/objects-200/seed0"
    predicted = plan.jobs[key].peak.host / MB
    assert (rows[key]["memory_mb"], rows[key]["gpu_memory_mb"]) == (f"{predicted:.0f}", "")
    for file, memory in (
        (f"results/small/logs/{key}.benchmark.tsv", predicted / 2),
        ("data/objects/32px/logs/clean.benchmark.tsv", 300),
        ("data/objects/logs/index_dataset.benchmark.tsv", 240),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(f"s\tmax_rss\n1\t{memory}\n")
    lines = compare.memory_table(plan).splitlines()
    assert any(
        line.startswith("| `pretrain` | 1 |") and "| 2.00 | 2.00 |" in line for line in lines
    )
    assert "| `index_dataset` | 1 | 120 | 240 | 0.50 | 0.50 | 0.50 |" in lines
    assert any(line.startswith("| `write_beton` | 1 |") for line in lines)

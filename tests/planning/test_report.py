"""The plan as a table and as a figure."""

import csv
from collections import defaultdict

import pytest

from fourlenses.planning import figure, report
from fourlenses.planning.costs import KINDS, total
from fourlenses.planning.jobs import Job
from fourlenses.planning.plan import plan_study
from fourlenses.plotting import colours
from fourlenses.study.vocabulary import LENSES
from tests.helpers.overlaps import problems, visible


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
    axes = figure.draw(list(plan.jobs.values()), plan.device, plan.layout.study).axes[0]
    lengths: dict[str, float] = defaultdict(float)
    names = [label.get_text() for label in axes.get_yticklabels()]
    for bar in axes.patches:
        lengths[names[round(bar.get_y() + bar.get_height() / 2)]] += bar.get_width()  # minutes
    everything = lengths.pop("all, each job once")
    assert everything == pytest.approx(60 * total(list(plan.jobs.values())).hours)
    assert sum(lengths.values()) == pytest.approx(everything)
    assert set(lengths) == {"quantity alone", "shared by several lenses"}  # domain adds nothing


def job(kind, *lenses, seconds=7200.0, done=False, on_cpu=False):
    name = f"{kind} {lenses} {seconds}"
    return Job(kind=kind, key=name, lenses=set(lenses), seconds=seconds, done=done, on_cpu=on_cpu)


def test_no_text_of_the_figure_overlaps_or_leaves_it_whatever_the_kinds():
    kinds = [kind for kind in KINDS if kind != "beton"]
    few = [job("pretrain", "quantity", done=True)]
    many = [job(kind, lens, seconds=1e7) for kind in kinds for lens in LENSES]
    shared = [job("scratch", *LENSES, seconds=3e7), job("beton", *LENSES, on_cpu=True)]
    for jobs in (few, many, many + shared):
        assert problems(figure.draw(jobs, "NVIDIA-A100-SXM4-80GB", "a_study_of_my_own")) == []


def test_the_footer_says_what_the_figure_is_of_and_what_it_lacks():
    jobs = [job("pretrain", "domain"), job("features", "domain", seconds=None, done=True)]
    drawn = figure.draw(jobs, "H100", "mine")
    (footer,) = [text.get_text() for text in visible(drawn) if "mine" in text.get_text()]
    assert footer.replace("\n", " ") == (
        "mine · 2 jobs, 1 done · an estimate from images per second on one H100 · "
        "without 1 job of unknown length"
    )


def test_what_is_done_is_pale_only_where_something_is_left():
    done, rest = job("pretrain", "domain", done=True), job("pretrain", "domain")

    def opacities(jobs):
        drawn = figure.draw(jobs, "H100", "mine")
        assert not any(bar.get_hatch() for bar in drawn.axes[0].patches)
        legend = [text.get_text() for text in drawn.legends[0].get_texts()]
        return {bar.get_facecolor()[3] for bar in drawn.axes[0].patches}, "pale: done" in legend

    assert opacities([done, rest]) == ({1.0, figure.PALE}, True)
    assert opacities([done]) == ({1.0}, False)
    assert opacities([rest]) == ({1.0}, False)
    footer = [text.get_text() for text in visible(figure.draw([done], "H100", "mine"))]
    assert any("1 job, all done" in text for text in footer)


def test_kinds_have_the_contrast_that_graphics_need():
    assert min(map(colours.contrast, figure.COLOURS.values())) >= colours.LEAST_CONTRAST


def page(jobs, gpus=1):
    return report.page(
        "mine",
        jobs,
        wall_seconds=3 * 86400,
        gpus=gpus,
        device="H100",
        checkpoint_bytes=2e9,
        memory=[],
        notes=[],
    )


def test_the_page_says_what_is_left_and_what_all_of_it_is():
    jobs = [
        job("pretrain", "domain", seconds=3600 * 100),
        job("features", "domain", done=True),
        job("beton", "domain", on_cpu=True),
    ]
    assert (
        "To run: **100 h on one H100**, 3 d 0 h on 8; and 2.0 h of a CPU core for betons. "
        "The whole study is 3 jobs and 102 h on one H100; done: 1 job." in page(jobs, gpus=8)
    )
    assert "To run: **100 h on one H100**; and" in page(jobs)
    done = [job("pretrain", "domain", done=True)]
    assert "Nothing is left to run: 1 job is done, estimated at 2.0 h on one H100." in page(done)
    assert "bytes" not in page(done).split("Disk:")[0]
    assert "| pretrain | 1 | 1 | 2.0 h | 0.0 min | – | 0 |" in page(done)
    assert "checkpoints take up to 2 GB more." in page(done)

"""How much of a study's work is done: by seconds and steps, not by numbers of jobs."""

import json
from pathlib import Path

import pytest

from fourlenses.config.placement import science_of
from fourlenses.planning.jobs import Jobs
from fourlenses.planning.plan import speeds
from fourlenses.status.job import Job
from fourlenses.status.planned import Planned, planned
from fourlenses.status.survey import survey
from fourlenses.status.terminal import bar, whole
from fourlenses.status.work import work

ROOT = Path(__file__).parents[2]
LONG, SHORT = "simclr/tinyimagenet-4000/seed0", "random/none/seed0"


@pytest.fixture
def study(tmp_path: Path) -> Planned:
    return planned(ROOT, tmp_path, study=None, overlays=[ROOT / "studies" / "real_quick.yaml"])


@pytest.fixture
def costs(study: Planned, tmp_path: Path) -> dict:
    return Jobs(study.config, study.plan, speeds(study.config, tmp_path), root=tmp_path).all


def encoder(name: str, state: str = "waiting", **progress: object) -> Job:
    return Job(
        kind="encoders",
        name=name,
        lenses=set(),
        log=Path("log"),
        output="run.json",
        state=state,
        **progress,
    )


def test_a_long_job_counts_for_more_than_a_short_one(study, costs, tmp_path):
    long, short = (costs[f"pretrain/{name}"].elapsed for name in (LONG, SHORT))
    assert long > 3 * short
    found = work(study, [encoder(LONG), encoder(SHORT, "done")], tmp_path)
    assert found.share == pytest.approx(short / (long + short))
    assert found.seconds_left == pytest.approx(long)
    assert not found.measured


def test_a_running_job_counts_by_its_steps_and_says_its_time_itself(study, tmp_path):
    running = encoder(LONG, "running", step=75, total=100, seconds_left=50.0)
    found = work(study, [running], tmp_path)
    assert (found.share, found.seconds_left, found.measured) == (pytest.approx(0.75), 50.0, True)


def test_what_finished_jobs_took_corrects_the_plan(study, costs, tmp_path):
    cost = costs[f"pretrain/{LONG}"]
    record = tmp_path / study.layout.run_record(LONG)
    record.parent.mkdir(parents=True)
    taken = {"wall_time_seconds": 3 * cost.elapsed - cost.start, "effective": {"processes": 1}}
    record.write_text(json.dumps(taken))
    other = "simclr/miniplaces-4000/seed0"
    found = work(study, [encoder(LONG, "done"), encoder(other)], tmp_path)
    assert found.measured
    assert found.seconds_left == pytest.approx(3 * costs[f"pretrain/{other}"].elapsed)


def test_jobs_that_run_at_once_share_what_is_left(study, tmp_path):
    running = [
        encoder(name, "running", step=1, total=2, seconds_left=100.0)
        for name in (LONG, "simclr/miniplaces-4000/seed0")
    ]
    waiting = encoder("simclr/eurosat-4000/seed0")
    alone = work(study, [running[0], waiting], tmp_path).seconds_left
    both = work(study, [*running, waiting], tmp_path).seconds_left
    assert both < alone


def test_without_a_plan_jobs_count_alike_and_no_time_is_said(study, tmp_path):
    bare = Planned(name="mine", plan=study.plan, config={"stored_size": 32}, origin="x")
    found = work(bare, [encoder(LONG, "done"), encoder(SHORT)], tmp_path)
    assert (found.share, found.seconds_left) == (0.5, None)
    assert work(bare, [], tmp_path).share == 1.0


def test_a_recorded_study_counts_by_work_too(study, costs, tmp_path):
    """Its record has no placement, which the plan needs."""
    record = tmp_path / study.layout.study_record
    record.parent.mkdir(parents=True)
    config = json.loads(json.dumps(science_of(study.config)))
    cells = study.plan.as_json()
    record.write_text(json.dumps({"study": study.name, "config": config, "cells": cells}))
    again = planned(ROOT, tmp_path, study=study.name, overlays=[])
    assert again.origin == str(record)
    long, short = (costs[f"pretrain/{name}"].elapsed for name in (LONG, SHORT))
    found = work(again, [encoder(LONG), encoder(SHORT, "done")], tmp_path)
    assert found.share == pytest.approx(short / (long + short))
    assert found.seconds_left == pytest.approx(long)


def test_the_bar_and_its_words(study, tmp_path):
    state = survey(study, tmp_path)
    assert state.work.share == 0.0
    assert whole(state).startswith("0 % of the work, about ")
    assert whole(state).endswith(" left by the plan")
    assert (bar(0.0), bar(1.0)) == (f"[{'.' * 40}]", f"[{'#' * 40}]")
    assert bar(0.25).count("#") == 10

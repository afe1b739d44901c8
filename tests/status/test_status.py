"""`make status` on a results folder with jobs planted in every state."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from fourlenses.resume.live_progress import LiveProgress
from fourlenses.status.logs import ending
from fourlenses.status.page import page
from fourlenses.status.planned import planned
from fourlenses.status.survey import Survey, survey
from fourlenses.status.terminal import shortened, text
from fourlenses.study import Cell, Plan, Run
from tests.helpers.planted_jobs import BAR, FAILURE, plant, plant_lock

ROOT = Path(__file__).parents[2]


def look(folder: Path) -> Survey:
    return survey(planned(ROOT, folder, study="mine", overlays=[]), folder)


def states(result: Survey, kind: str) -> dict[str, str]:
    return {job.name: job.state for job in result.jobs if job.kind == kind}


def test_every_state_is_reported(folder: Path) -> None:
    state = look(folder)
    expected = ("done", "running", "stale", "stale", "failed", "waiting", "waiting")
    assert states(state, "encoders") == {
        f"simclr/{name}-20/seed0": wanted for name, wanted in zip("abcdefg", expected, strict=True)
    }
    assert states(state, "evaluations")["simclr/a-20/seed0"] == "done"
    assert states(state, "evaluations")["supervised/a-10/seed0/scratch/a/10"] == "waiting"
    assert state.betons == (1, 7)
    assert state.bytes[str(folder / "data" / "a")] >= 10000


def test_what_snakemake_would_make_again_is_not_done(folder: Path) -> None:
    study = planned(ROOT, folder, study="mine", overlays=[])
    outdated = {
        "results/mine/pretrain/simclr/a-20/seed0/run.json": "its settings changed",
        "results/mine/evaluate/simclr/a-20/seed0/cells.json": "what it is made from is made again",
        "results/mine/pretrain/simclr/g-20/seed0/run.json": "an input is newer",  # is not there
    }
    state = survey(study, folder, outdated)
    assert states(state, "encoders")["simclr/a-20/seed0"] == "changed"
    assert states(state, "encoders")["simclr/g-20/seed0"] == "waiting"
    assert states(state, "evaluations")["simclr/a-20/seed0"] == "changed"
    plain = text(state)
    assert "0 of 15 jobs done, 2 to be made again" in plain
    assert "changed: done, and to be made again\n  simclr/a-20/seed0\n    its settings" in plain
    assert max(map(len, plain.splitlines()[4:9])) <= 80
    html = page(state, folder)
    assert '<h2 class="changed">changed</h2>' in html
    assert "its settings changed" in html


def test_an_external_encoder_that_cannot_be_imported_has_failed(tmp_path: Path) -> None:
    config = {"study": "mine", "stored_size": 32, "encoders": {"rn18": {"stored_size": 256}}}
    plan = Plan()
    plan.add(
        "domain", Cell(run=Run.external("rn18", 0), target="a", labelled="10", protocol="linear")
    )
    results = tmp_path / "results" / "mine"
    record = {"study": "mine", "config": config, "cells": plan.as_json()}
    plant(results / "study.json", json.dumps(record))
    plant(results / "logs" / "import" / "rn18.log", FAILURE)
    assert states(look(tmp_path), "encoders") == {"external/rn18/seed0": "failed"}
    assert planned(ROOT, tmp_path, study="mine", overlays=[]).betons() == [
        "data/a/256px/clean.beton"
    ]


def test_counts_of_lenses_share_runs(folder: Path) -> None:
    state = look(folder)
    assert state.count("encoders", lens="domain") == 2
    assert (
        state.count("encoders", "done", "domain")
        == state.count("encoders", "done", "quantity")
        == state.count("encoders", "done")
        == 1
    )
    assert state.count("encoders") == 7
    assert state.count("evaluations") == 8


def test_progress_of_a_run_from_its_log_and_from_its_own_file(folder: Path) -> None:
    def running():
        (job,) = look(folder).in_state("running")
        return job

    job = running()  # only the log, whose bar says 879 of 1250
    assert (job.step, job.total, job.unit, job.seconds_left, job.images_per_second) == (
        879,
        1250,
        "steps",
        100,
        437,
    )
    clock = iter([0.0, 10.0])
    live = LiveProgress(
        folder / "results/mine/checkpoints/simclr/b-20/seed0/0123456789abcdef",
        "b",
        total_steps=1000,
        batch_size=20,
        images=200,
        clock=lambda: next(clock),
    )
    live.took(400, [])
    live.took(450, [{"loss": 2.5}])
    job = running()
    # 50 steps of 20 images in 10 s: 100 images/s; 550 steps are left at 5 a second; an epoch has 10
    assert (
        job.step,
        job.total,
        job.images_per_second,
        job.seconds_left,
        job.epoch,
        job.total_epochs,
    ) == (450, 1000, 100, 110, 45, 100)


def test_what_is_left_is_shown_however_long_the_name_of_the_node(folder: Path) -> None:
    plant_lock(
        folder / "results/mine/checkpoints/simclr/g-20/seed0/0123456789abcdef",
        5,
        host="gpu-node-0123.cluster",
        slurm_job_id="1234567",
    )
    plant(folder / "results/mine/logs/pretrain/simclr/g-20/seed0.log", BAR)
    lines = text(look(folder)).splitlines()
    shown = lines[lines.index("  simclr/g-20/seed0") + 1 :][:2]
    assert shown[0] == "    879 of 1250 steps, 437 images/s, 1 min 40 s left"
    assert "gpu-node-0123.cluster, SLURM job 1234567" in shown[1]
    assert max(map(len, shown)) <= 80


def test_an_evaluation_is_running_while_its_log_is_young(folder: Path) -> None:
    log = folder / "results" / "mine" / "logs" / "evaluate" / "simclr" / "b-20" / "seed0.log"
    bar = "features of b:  30%|███       | 3000/10000 [00:30<01:10, 100.5image/s]"
    plant(log, bar, age_seconds=60)
    job = next(job for job in look(folder).jobs if job.kind == "evaluations" and "b-20" in job.name)
    assert (job.state, job.step, job.total, job.unit, job.images_per_second, job.seconds_left) == (
        "running",
        3000,
        10000,
        "images",
        100.5,
        70,
    )
    plant(log, bar, age_seconds=3600)
    assert states(look(folder), "evaluations")["simclr/b-20/seed0"] == "stale"


def test_a_finished_run_whose_outputs_are_gone_is_neither_running_nor_stopped(folder: Path) -> None:
    results = folder / "results/mine"
    cache = results / "checkpoints/simclr/g-20/seed0/0123456789abcdef/finished"
    plant(cache / "finished.json", "{}")
    log = results / "logs/pretrain/simclr/g-20/seed0.log"
    for planted in (None, BAR):  # a log of this minute, which otherwise is that of a running job
        if planted:
            plant(log, planted)
        (job,) = (
            job
            for job in look(folder).jobs
            if job.name == "simclr/g-20/seed0" and job.kind == "encoders"
        )
        assert (job.state, job.note) == (
            "waiting",
            "trained; unless its settings changed, the next run puts its files back",
        )
    plant(log, FAILURE)
    assert states(look(folder), "encoders")["simclr/g-20/seed0"] == "failed"
    plant_lock(cache.parent.with_name("fedcba9876543210"), 5)  # with other settings
    assert states(look(folder), "encoders")["simclr/g-20/seed0"] == "running"


def test_a_file_of_two_names_takes_room_once(folder: Path) -> None:
    before = look(folder).bytes[str(folder / "results/mine")]
    encoder = folder / "results/mine/pretrain/simclr/a-20/seed0/encoder.safetensors"
    plant(encoder, "x" * 100000)
    copy = folder / "results/mine/checkpoints/encoder.safetensors"
    copy.hardlink_to(encoder)
    assert 100000 <= look(folder).bytes[str(folder / "results/mine")] - before < 150000


def test_text_fits_a_terminal_and_says_why_a_job_failed(folder: Path) -> None:
    state = look(folder)
    plain = text(state)
    assert max(map(len, plain.splitlines()[1:])) <= 80 + len(
        str(folder)
    )  # a log's path stands whole, to be copied
    assert "key 'learning_rate'" in plain
    assert "lower it" in plain
    assert str(folder / "results/mine/logs/pretrain/simclr/e-20/seed0.log") in plain
    assert "2 of 15 jobs done" in plain
    assert "stopped at step 5 of 9" in plain
    assert "\033" not in plain
    assert "\033[31m" in text(state, colours=True)


def test_page_shows_the_same_and_escapes_what_logs_say(folder: Path) -> None:
    html = page(look(folder), folder, refresh_seconds=7)
    assert 'http-equiv="refresh" content="7"' in html
    assert "is too &lt;high&gt;; lower it" in html
    assert 'max="1250" value="879"' in html
    assert '<td class="failed">1</td>' in html
    assert 'name="viewport" content="width=device-width' in html
    assert 'href="results/mine/logs/pretrain/simclr/e-20/seed0.log"' in html


def test_page_leads_to_the_report_and_reloads_until_it_is_there(folder: Path) -> None:
    state = look(folder)
    for job in state.jobs:
        job.state = "done"
    plant(folder / "results/mine/metrics.csv")
    elsewhere = folder / "pages"
    unfinished = replace(state, finished=True)
    assert 'http-equiv="refresh"' in page(unfinished, elsewhere)
    plant(folder / "results/mine/report.html")
    html = page(unfinished, elsewhere)
    assert 'http-equiv="refresh"' not in html
    assert '<a href="../results/mine/report.html">report</a>' in html
    # nor for ever where no report was asked for
    (folder / "results/mine/report.html").unlink()
    plant(folder / "results/mine/metrics.csv", age_seconds=5000)
    assert not page(unfinished, elsewhere).count("refresh")


def test_a_long_error_stands_whole(folder: Path) -> None:
    error = f"fourlenses: {' '.join(f'word{number}' for number in range(60))}; do this"
    plant(folder / "results/mine/logs/pretrain/simclr/e-20/seed0.log", error + "\n")
    lines = text(look(folder)).splitlines()
    assert error in " ".join(line.strip() for line in lines)
    assert max(map(len, (line for line in lines if "word" in line))) <= 80


REQUEUED = (
    "fourlenses: stopped at step 5 of 9 before the wall limit of 10 minutes; "
    "SLURM requeues job 77, which continues from its checkpoint"
)


@pytest.mark.parametrize(
    ("content", "failed", "stopped", "last"),
    [
        ("ok\n" + BAR, False, False, BAR),
        ("x\nRuntimeError: CUDA out of memory\n", True, False, "RuntimeError: CUDA out of memory"),
        ("torch.OutOfMemoryError: no room\n\n", True, False, "torch.OutOfMemoryError: no room"),
        (
            "slurmstepd: error: Detected 1 oom_kill event\n",
            True,
            False,
            "slurmstepd: error: Detected 1 oom_kill event",
        ),
        ("bash: line 1: 4711 Killed\n", True, False, "bash: line 1: 4711 Killed"),
        ("fourlenses: interrupted\n", False, True, "fourlenses: interrupted"),
        # of several processes: torchrun has a line for each that it ends
        (
            REQUEUED
            + "\n"
            + "W1126 20:12:39 api.py:1028] Sending process 7863 closing signal SIGTERM\n" * 8,
            False,
            True,
            REQUEUED,
        ),
        # of several nodes: srun has one for each task
        (
            "fourlenses: the disk is full\n" + "srun: error: n2: task 1: Exited\n" * 8,
            True,
            False,
            "fourlenses: the disk is full",
        ),
        (
            "srun: error: n2: task 1: Killed\n",
            True,
            False,
            "srun: error: n2: task 1: Killed",
        ),
        ("the error of step 3 was 0.1\n" * 9 + "features of b\n", False, False, "features of b"),
    ],
)
def test_the_end_of_a_log(
    tmp_path: Path, content: str, failed: bool, stopped: bool, last: str
) -> None:
    (tmp_path / "log").write_text(content)
    end = ending(tmp_path / "log")
    assert (end.failed, end.stopped, end.last_line) == (failed, stopped, last)


def test_the_plan_of_a_config_is_the_one_snakemake_records(tmp_path: Path) -> None:
    """Without study.json the plan comes from the config: of a shipped study from its overlay."""
    overlay = ROOT / "studies" / "real_quick.yaml"
    study = planned(ROOT, tmp_path, study=None, overlays=[overlay])
    assert study.name == "real_quick"
    assert planned(ROOT, tmp_path, study="real_quick", overlays=[]).plan == study.plan
    plant(
        tmp_path / "results/real_quick/study.json",
        json.dumps(
            {
                "study": "real_quick",
                "config": {"stored_size": study.config["stored_size"]},
                "cells": study.plan.as_json(),
            }
        ),
    )
    recorded = planned(ROOT, tmp_path, study="real_quick", overlays=[])
    assert recorded.plan == study.plan
    assert recorded.origin.endswith("study.json")
    assert recorded.betons() == study.betons()


def test_a_study_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="says 'study: nope'; name the study's config"):
        planned(ROOT, tmp_path, study="nope", overlays=[])
    overlays = [ROOT / "studies" / "real_quick.yaml"]
    with pytest.raises(UserError, match="key 'study' is 'real_quick', not 'mine'"):
        planned(ROOT, tmp_path, study="mine", overlays=overlays)


def test_the_command(folder: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "workflow_scripts" / "status.py"),
        "--study",
        "mine",
        "--directory",
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    html = folder / "status.html"
    result = subprocess.run(
        [*command, "--html", str(html), "--failed-exit"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    assert "2 of 15 jobs done" in result.stdout
    assert html.read_text().startswith("<!doctype html>")


def test_long_names_lose_their_middle() -> None:
    assert shortened("imagenet-1000000+places365-100000", 11) == "image…00000"

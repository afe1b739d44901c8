"""A results folder with jobs planted in every state."""

import json
from pathlib import Path

import pytest

from fourlenses.study import Cell, Plan, Run
from tests.helpers.planted_jobs import BAR, FAILURE, ended_process, plant, plant_lock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """results/mine with a plan of seven encoders, a to g, in seven states, an evaluation each."""
    plan = Plan()
    for dataset in "abcdefg":
        for lens in ("quantity", "domain") if dataset in "ab" else ("quantity",):
            run = Run("simclr", f"{dataset}-20", 0)
            plan.add(lens, Cell(run=run, target=dataset, labelled="10", protocol="linear"))
    scratch = Run("supervised", "a-10", 0)
    plan.add("quantity", Cell(run=scratch, target="a", labelled="10", protocol="scratch"))
    results = tmp_path / "results" / "mine"
    plant(
        results / "study.json",
        json.dumps({"study": "mine", "config": {"stored_size": 32}, "cells": plan.as_json()}),
    )
    plant(tmp_path / "data" / "a" / "32px" / "clean.beton", "x" * 10000)

    def log(dataset: str) -> Path:
        return results / "logs" / "pretrain" / "simclr" / f"{dataset}-20" / "seed0.log"

    def checkpoints(dataset: str) -> Path:
        return results / "checkpoints" / "simclr" / f"{dataset}-20" / "seed0" / "0123456789abcdef"

    plant(results / "pretrain" / "simclr" / "a-20" / "seed0" / "run.json", "{}")  # done
    plant(log("a"), FAILURE)  # of a run that is done, which counts more
    plant_lock(checkpoints("b"), 5)  # running
    plant(log("b"), BAR + "\r" + BAR, age_seconds=5000)
    plant_lock(checkpoints("c"), 5, **ended_process())  # stale: its process is known to have ended
    plant(log("c"), BAR)
    plant_lock(
        checkpoints("d"), 500, machine=["another", "machine"], slurm_job_id="77"
    )  # stale: silent for too long
    plant(log("d"), BAR)
    plant(log("e"), "Traceback (most recent call last):\n  File x\n" + FAILURE + "\n")  # failed
    plant(
        log("f"),
        BAR + "\nfourlenses: stopped at step 5 of 9 before the wall limit of 10 minutes; "
        "run the same command again to continue",
    )
    plant(results / "evaluate" / "simclr" / "a-20" / "seed0" / "cells.json", "{}")
    return tmp_path

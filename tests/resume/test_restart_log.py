"""Restarts without progress end with the reason; those with progress may be any number."""

import json

import pytest

from fourlenses.core.errors import Interrupted, UserError
from fourlenses.resume.restart_log import RestartLog


def fail(folder, step, error):
    with pytest.raises(type(error)), RestartLog(folder).attempt(f"step {step}"):
        raise error


def test_the_fourth_attempt_from_one_step_is_refused_with_the_last_reason(tmp_path, monkeypatch):
    for job in ("71", "72", "73"):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        fail(tmp_path, 40, ValueError("the GPU fell off the bus"))
    with (
        pytest.raises(
            UserError,
            match=r"last 3 attempts all started from step 40.*71, 72, 73.*"
            r"ValueError: the GPU fell off.*remove",
        ) as raised,
        RestartLog(tmp_path).attempt("step 40"),
    ):
        raise AssertionError("was made")
    assert str(tmp_path / "restarts.json") in str(raised.value)
    (tmp_path / "restarts.json").unlink()  # as the message says
    with RestartLog(tmp_path).attempt("step 40"):
        pass


def test_a_killed_attempt_leaves_no_reason_and_counts(tmp_path):
    entry = {
        "from": "step 0",
        "started": "then",
        "host": "there",
        "slurm_job_id": None,
        "ended": None,
    }
    (tmp_path / "restarts.json").write_text(json.dumps([entry] * 3))
    with pytest.raises(UserError, match="killed"), RestartLog(tmp_path).attempt("step 0"):
        pass


def test_attempts_that_move_on_are_never_refused(tmp_path):
    for step in range(150):
        fail(tmp_path, step, Interrupted("the time is over"))
    entries = json.loads((tmp_path / "restarts.json").read_text())
    assert [entry["from"] for entry in entries] == [f"step {step}" for step in range(50, 150)]


def test_what_the_user_stopped_does_not_count(tmp_path):
    for _ in range(9):
        fail(tmp_path, 0, KeyboardInterrupt())
    with RestartLog(tmp_path).attempt("step 0"):
        pass


@pytest.mark.parametrize("content", ["", "[3]", '[{"from": "step 1"}]', "{"])
def test_a_damaged_file_is_counted_again(tmp_path, content):
    (tmp_path / "restarts.json").write_text(content)
    with RestartLog(tmp_path).attempt("step 7"):
        pass
    assert json.loads((tmp_path / "restarts.json").read_text())[-1]["from"] == "step 7"


def test_nothing_is_left_of_a_run_that_is_done(tmp_path):
    attempts = RestartLog(tmp_path)
    with attempts.attempt("step 0"):
        attempts.clear()
    assert not list(tmp_path.iterdir())

"""The states that the SLURM plugin is given, from queries and a clock of the tests.

And the plugin installed is one whose queries can be replaced.
"""

import asyncio
import importlib
import logging
from types import ModuleType, SimpleNamespace

import pytest

from fourlenses.slurm.states import JobStates, mend

SACCT, SQUEUE = "sacct -X --name run", "squeue --name run"


class Cluster:
    """Answers queries. None: fails. scheduler: what squeue shows of all jobs, next to sacct."""

    def __init__(self, command: str, waiting: str = "7") -> None:
        self.command, self.shown, self.scheduler, self.now, self.asked = command, {}, {}, 0.0, []
        self.states = JobStates(self.query, preempted=300, gone=600, clock=lambda: self.now)
        self.states.waiting = frozenset(waiting.split())

    async def query(self, command: str, logger) -> tuple[dict[str, str] | None, float | None]:
        self.asked.append(command)
        shown = self.shown if command == self.command else self.scheduler
        return (None, None) if shown is None else (dict(shown), 0.1)

    def poll(self, after: float = 0) -> dict[str, str] | None:
        self.now += after
        return asyncio.run(self.states.query(self.command, logging.getLogger("head")))[0]


def test_what_is_not_amiss_is_left_as_it_is(caplog):
    shown = {"7": "RUNNING", "8": "COMPLETED", "9": "TIMEOUT", "10": "PENDING"}
    for command in (SACCT, SQUEUE):
        cluster = Cluster(command, "7 8 9 10")
        cluster.shown = cluster.scheduler = shown
        assert [cluster.poll(after=400) for _ in range(5)] == [shown] * 5
    assert not caplog.messages


def test_the_user_who_cancelled_is_not_a_part_of_the_state(caplog):
    cluster = Cluster(SACCT)
    cluster.shown = {
        "7": "CANCELLED by 1000",
        "6": "CANCELLED by 0",
    }  # 6: of an attempt before, which the head waits for no more
    assert cluster.poll() == cluster.poll() == {"7": "CANCELLED", "6": "CANCELLED"}
    assert len(caplog.messages) == 1
    assert "SLURM job 7 was cancelled (CANCELLED by 1000, a user id)" in caplog.text


@pytest.mark.parametrize("command", [SACCT, SQUEUE])
@pytest.mark.parametrize(
    ("state", "words"), [("PREEMPTED", "preempted"), ("NODE_FAIL", "lost with its node")]
)
def test_a_job_that_is_not_requeued_failed(command, state, words, caplog):
    cluster = Cluster(command)
    cluster.shown = {"7": state}
    assert cluster.poll() == cluster.poll(after=299) == {"7": state}
    assert not caplog.messages
    assert cluster.poll(after=1) == cluster.poll() == {"7": "FAILED"}
    assert len(caplog.messages) == 1
    assert f"SLURM job 7 was {words} and not requeued for 5 minutes" in caplog.text


def test_a_job_that_is_requeued_may_be_preempted_again(caplog):
    cluster = Cluster(SQUEUE)
    for state in ("PREEMPTED", "PENDING", "PREEMPTED"):
        cluster.shown = {"7": state}
        assert cluster.poll(after=250) == {"7": state}
    assert cluster.poll(after=299) == {"7": "PREEMPTED"}
    assert not caplog.messages


@pytest.mark.parametrize("command", [SACCT, SQUEUE])
@pytest.mark.parametrize("first", [{"7": "RUNNING"}, {}], ids=["seen before", "never seen"])
def test_a_job_that_is_not_shown_any_more_is_over(command, first, caplog):
    cluster = Cluster(command)
    cluster.shown = cluster.scheduler = first
    cluster.poll()
    cluster.shown = cluster.scheduler = {"6": "RUNNING"}
    assert cluster.poll(after=3600) == (
        cluster.shown if first else {"6": "RUNNING", "7": "UNKNOWN"}
    )  # time counts from the first absence
    assert cluster.poll(after=600) == cluster.poll() == {"6": "RUNNING", "7": "UNKNOWN"}
    assert len(caplog.messages) == 1
    assert "SLURM job 7 has been unknown to the scheduler for 10 minutes" in caplog.text


def test_a_job_that_is_shown_again_was_not_lost():
    cluster = Cluster(SQUEUE)
    for shown in ({}, {"7": "RUNNING"}, {}):
        cluster.shown = shown
        assert cluster.poll(after=500) == shown


@pytest.mark.parametrize("command", [SACCT, SQUEUE])
def test_a_query_that_fails_says_nothing_about_a_job(command, caplog):
    cluster = Cluster(command)
    cluster.shown = None
    assert [cluster.poll(after=300) for _ in range(4)] == [None] * 4
    assert len(caplog.messages) == 1
    assert f"`{command}` has failed for 10 minutes" in caplog.text
    cluster.shown = {}
    assert cluster.poll() == cluster.poll(after=599) == {}
    cluster.shown = None
    assert cluster.poll(after=10) is None
    cluster.shown = {}
    assert cluster.poll() == {"7": "UNKNOWN"}


def test_accounting_that_lags_behind_is_supplemented_by_the_scheduler(caplog):
    cluster = Cluster(SACCT)
    for state in ("PENDING", "RUNNING", "COMPLETED"):
        cluster.scheduler = {"7": state}
        assert cluster.poll(after=700) == {"7": state}
    assert not caplog.messages


def test_a_job_that_only_accounting_holds_to_run_is_over(caplog):
    cluster = Cluster(SACCT)
    cluster.shown = {"7": "RUNNING"}
    assert cluster.poll() == cluster.poll(after=599) == {"7": "RUNNING"}
    assert cluster.poll(after=1) == {"7": "UNKNOWN"}
    assert len(caplog.messages) == 1


def test_without_the_scheduler_accounting_is_believed():
    cluster = Cluster(SACCT)
    cluster.shown, cluster.scheduler = {"7": "RUNNING"}, None
    assert [cluster.poll(after=700) for _ in range(3)] == [{"7": "RUNNING"}] * 3


def test_the_scheduler_is_not_asked_where_accounting_knows_of_jobs_that_ended():
    cluster = Cluster(SACCT)
    cluster.shown = {"7": "TIMEOUT"}
    cluster.poll()
    assert cluster.asked == [SACCT]


def test_tasks_of_job_arrays_are_left_alone():
    cluster = Cluster(SQUEUE, waiting="7_1")
    assert [cluster.poll(after=700) for _ in range(3)] == [{}] * 3


def plugin(query) -> ModuleType:
    """With an executor that, like the plugin's, looks the query up and waits for what runs."""
    module = ModuleType("plugin")
    module.query_job_status = query

    class Executor:
        async def check_active_jobs(self, active_jobs):
            states, _ = await module.query_job_status("squeue", logging.getLogger("head"))
            for job in active_jobs:
                if states.get(job.external_jobid) not in ("UNKNOWN", "FAILED"):
                    yield job

    module.Executor = Executor
    return module


def test_the_plugins_executor_gets_the_mended_states():
    async def query(command, logger):
        return {"8": "PREEMPTED"}, 0.1

    module = plugin(query)
    states = mend(module, logging.getLogger("head"), seconds=1e-9)
    jobs = [SimpleNamespace(external_jobid=job) for job in ("7", "8", "9_1")]

    async def check():
        return [job async for job in module.Executor().check_active_jobs(jobs)]

    assert asyncio.run(check()) == jobs
    assert states.waiting == {"7", "8", "9_1"}
    assert asyncio.run(check()) == jobs[2:]


def test_a_plugin_that_has_changed_is_left_as_it_is(caplog):
    async def query(command, logger, cluster):
        return {}, 0.1

    for module in (plugin(query), ModuleType("empty")):
        before = dict(vars(module))
        assert mend(module, logging.getLogger("head")) is None
        assert vars(module) == before
    assert len(caplog.messages) == 2
    assert "not known here" in caplog.text


def test_the_plugin_installed_is_one_we_know(monkeypatch):
    module = importlib.import_module("snakemake_executor_plugin_slurm")
    for owner, name in ((module, "query_job_status"), (module.Executor, "check_active_jobs")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # restored after the test
    states = mend(module, logging.getLogger("head"))
    assert module.query_job_status == states.query

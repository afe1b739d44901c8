"""Checks of SLURM's commands, partitions and accounting."""

import pytest

from fourlenses.doctor import cluster
from fourlenses.doctor.check_result import FAIL, OK, CheckResult
from tests.helpers.slurm_commands import add_slurm


def check(status_command: str | None) -> dict[str, CheckResult]:
    return {result.check: result for result in cluster.check_cluster(True, status_command)}


def statuses(status_command: str | None) -> dict[str, str]:
    return {name: result.status for name, result in check(status_command).items()}


def test_no_slurm_is_fine_unless_the_profile_submits(commands) -> None:
    assert [result.status for result in cluster.check_cluster(False, None)] == [OK]
    assert [result.status for result in cluster.check_cluster(True, None)] == [FAIL]


def test_with_accounting(commands) -> None:
    add_slurm(commands)
    assert statuses(None) == {"SLURM": OK, "accounting": OK}


def test_without_accounting_the_profile_has_to_ask_squeue(commands) -> None:
    add_slurm(commands, sacct="echo Slurm accounting storage is disabled >&2; exit 1")
    accounting = check(None)["accounting"]
    assert accounting.status == FAIL
    assert "accounting storage is disabled" in accounting.message
    assert "profiles/slurm-squeue" in accounting.remedy
    assert statuses("squeue") == {"SLURM": OK, "accounting": OK, "finished jobs": OK}
    add_slurm(commands, sacct="exit 1", job_age=10)
    assert statuses("squeue")["finished jobs"] == FAIL


def test_partitions_are_read_as_sinfo_writes_them(commands) -> None:
    add_slurm(commands)
    by_name, why = cluster.partitions()
    assert not why
    assert by_name["gpu"] == cluster.Partition(
        limit_minutes=240, gres="gpu:a100:4(S:0-1),gpu:v100:2", memory_mb=64000, cpus=16, up=True
    )
    assert by_name["long"].limit_minutes is None


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("2-00:00:00", 2880), ("30:00", 30), ("infinite", None), ("1:30:00", 90)],
)
def test_time_limits_are_read_as_slurm_writes_them(limit: str, minutes: float | None) -> None:
    assert cluster.minutes(limit) == minutes

"""Trials of file systems, and results on those that lack something."""

from pathlib import Path

import pytest

from fourlenses.doctor import storage, storage_trial
from fourlenses.doctor.check_result import FAIL, OK, WARN

GOOD: storage_trial.Trial = {
    "folder": "/d",
    "kind": "nfs4",
    "network": True,
    "free": 1 << 40,
    "files_free": 9,
    "write_bytes_per_second": 1e8,
    "random_reads_per_second": 900,
    "renames": True,
    "hard_links": True,
    "locks": True,
    "modes": True,
    "times": True,
    "clock_off_seconds": 0.0,
}


def test_a_trial_measures_and_leaves_nothing(tmp_path: Path) -> None:
    trial = storage_trial.trial(str(tmp_path / "not" / "there"))
    assert trial["folder"] == str(tmp_path)
    assert trial["write_bytes_per_second"] > 0
    assert trial["random_reads_per_second"] > 0
    assert trial["renames"] is True
    assert trial["hard_links"] is True
    assert not list(tmp_path.iterdir())


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    inner = tmp_path / "a b"
    inner.mkdir()
    escaped = str(inner).replace(" ", "\\040")
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/x rw\n"
        f"2 1 0:5 / {escaped} rw,noatime shared:1 - nfs4 server:/x rw\n"
    )
    assert storage_trial.file_system(inner, mounts) == "nfs4"
    assert storage_trial.file_system(tmp_path, mounts) == "ext4"


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "fuse.ceph", "fuse.sshfs"])
def test_file_systems_over_the_network(kind: str) -> None:
    assert storage_trial.is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "tmpfs"])
def test_file_systems_of_this_machine(kind: str) -> None:
    assert not storage_trial.is_network(kind)


@pytest.mark.parametrize(
    ("changes", "check", "status"),
    [
        ({}, "data/ space", OK),
        ({"free": 100 << 20}, "data/ space", FAIL),
        ({"files_free": 0}, "data/ space", FAIL),
        ({"free": 5 << 30}, "data/ space", WARN),
        ({"random_reads_per_second": 20}, "data/ speed", WARN),
        ({"renames": False}, "data/ files", FAIL),
        ({"hard_links": False}, "data/ files", WARN),
        ({"clock_off_seconds": -120.0}, "data/ files", WARN),
        ({"times": False}, "data/ files", WARN),
        ({"modes": False}, "data/ files", OK),
    ],
)
def test_results_of_a_trial(changes: dict, check: str, status: str) -> None:
    results = {result.check: result.status for result in storage.judge("data", GOOD | changes)}
    expected = dict.fromkeys(("data/ space", "data/ speed", "data/ files"), OK)
    assert results == expected | {check: status}


def test_results_are_not_read_at_random() -> None:
    slow: storage_trial.Trial = {**GOOD, "random_reads_per_second": 20}
    assert {result.status for result in storage.judge("results", slow)} == {OK}

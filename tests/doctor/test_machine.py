"""Checks of a home, a name, a compiler and shared memory."""

from pathlib import Path

import pytest

from fourlenses.core.machine.home_folder import own_cache_folder, why_not_writable
from fourlenses.data.augment.kernel_compiler import missing_for_kernels
from fourlenses.doctor import machine
from fourlenses.doctor.check_result import FAIL, OK, WARN


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    assert machine._home(tmp_path / "cache").status == OK
    for folder in (Path("/proc/nohome/.cache"), tmp_path / "file" / "cache"):
        (tmp_path / "file").touch()
        result = machine._home(folder)
        assert result.status == FAIL
        assert str(folder) in result.message
        assert "export XDG_CACHE_HOME" in result.remedy


@pytest.mark.parametrize("home", ["~/.cache", "relative/.cache"])
def test_a_user_without_a_home(home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "this user has no home" in machine._home(Path(home)).message
    assert list(tmp_path.iterdir()) == []


def test_where_caches_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert own_cache_folder({"XDG_CACHE_HOME": "/scratch/c"}) == Path("/scratch/c")
    assert own_cache_folder({"XDG_CACHE_HOME": ""}) == Path("/home/me/.cache")


def test_a_full_disk_is_a_reason() -> None:
    assert why_not_writable(Path("/dev/full")) != ""


def test_a_name_that_does_not_resolve() -> None:
    assert machine._host_name("localhost").status == OK
    result = machine._host_name("nosuchnode.invalid")
    assert result.status == WARN
    assert "nosuchnode.invalid does not resolve" in result.message
    assert "/etc/hosts" in result.remedy


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    over = threading.Event()
    monkeypatch.setattr(machine.socket, "getaddrinfo", lambda *_: over.wait(30))
    result = machine._host_name("node1", wait=0.1)
    over.set()
    assert "no answer within 0.1 s" in result.message


def test_no_python_headers_or_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"no Python.h in {tmp_path}" in missing_for_kernels(str(tmp_path))
    (tmp_path / "Python.h").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    missing = missing_for_kernels(str(tmp_path))
    assert "no C compiler" in missing
    assert machine._headers(missing).status == WARN
    assert machine._headers("").status == OK


def test_shared_memory(tmp_path: Path) -> None:
    assert machine._shared_memory(tmp_path).status == OK
    assert machine._shared_memory(tmp_path / "none").status == WARN
    assert machine._shared_memory(Path("/proc")).status == WARN

"""Checks of installed packages against the pins, and of cores and memory."""

from pathlib import Path

import pytest

from fourlenses.core.machine.memory import MemoryLimit
from fourlenses.doctor import interpreter, limits
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult


def test_packages_against_the_pins(tmp_path: Path) -> None:
    def pins(text: str) -> CheckResult:
        (tmp_path / "requirements.txt").write_text(text)
        return interpreter._pins(tmp_path / "requirements.txt")

    pytest_line = f"pytest=={pytest.__version__} \\\n    --hash=sha256:00\n"
    assert pins(pytest_line).status == OK
    assert pins(f"pytest==0.1 ; python_version < '3'\n{pytest_line}").status == OK
    assert pins("pytest==0.1\n").status == WARN
    assert "nothing-of-that-name" in pins(pytest_line + "nothing-of-that-name==1.0 \\\n").message
    assert pins("winonly==1 ; sys_platform == 'win32'\n").status == OK


@pytest.mark.parametrize(
    ("usable", "cores", "openmp", "status"),
    [(8, 8, None, OK), (2, 8, "8", WARN), (1, 8, None, WARN), (8, 8, "8", OK)],
)
def test_cores(usable: int, cores: int, openmp: str | None, status: str) -> None:
    assert limits._threads(usable, cores, openmp).status == status


def test_memory() -> None:
    small, large = MemoryLimit(1 << 20, "of cgroup slurm/job_1"), MemoryLimit(1 << 40, "")
    assert limits._memory(small).status == FAIL
    assert limits._memory(small).message == "1 MiB, of cgroup slurm/job_1"
    assert limits._memory(large).status == OK

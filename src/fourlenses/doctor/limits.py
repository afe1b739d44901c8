"""What this process may use: cores, threads, open files, memory."""

import os
import resource
from collections.abc import Iterator

from fourlenses.core.memory import MemoryLimit, memory_limit
from fourlenses.core.units import format_bytes
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult

LEAST_MEMORY, FEW_FILES = 4 << 30, 1024


def check_limits() -> Iterator[CheckResult]:
    yield _threads(
        len(os.sched_getaffinity(0)), os.cpu_count() or 1, os.environ.get("OMP_NUM_THREADS")
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft != resource.RLIM_INFINITY and soft < FEW_FILES
    yield CheckResult(
        "open files",
        WARN if few else OK,
        f"{soft} (ulimit -n), at most {hard}",
        f"ulimit -n {FEW_FILES}" if few else "",
    )
    yield _memory(memory_limit())


def _threads(usable: int, cores: int, openmp: str | None) -> CheckResult:
    found = f"{usable} of {cores} usable (affinity), OMP_NUM_THREADS {openmp or 'not set'}"
    if openmp and openmp.isdigit() and int(openmp) > usable:
        return CheckResult(
            "cores",
            WARN,
            found,
            f"export OMP_NUM_THREADS={usable}: more threads than cores wait for each other",
        )
    if usable == 1 and cores > 1:
        return CheckResult(
            "cores",
            WARN,
            found,
            "in a job: ask for more with threads (cpus-per-task); shells of some login nodes have one",
        )
    return CheckResult("cores", OK, found)


def _memory(limit: MemoryLimit) -> CheckResult:
    found = f"{format_bytes(limit.bytes, binary=True)}, {limit.source}"
    if limit.bytes < LEAST_MEMORY:
        return CheckResult(
            "memory",
            FAIL if limit.bytes < LEAST_MEMORY // 4 else WARN,
            found,
            "ask for more (mem_mb); training needs some GiB",
        )
    return CheckResult("memory", OK, found)

"""Limits of this process: cores, threads, open files, memory."""

import os
import resource
from collections.abc import Iterator

from fourlenses.core.machine.cores import usable_cores
from fourlenses.core.machine.memory import MemoryLimit, memory_limit
from fourlenses.core.units import format_bytes
from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult

LEAST_MEMORY = 4 << 30  # bytes
FEW_FILES = 1024


def check_limits() -> Iterator[CheckResult]:
    usable, cores = usable_cores(), os.cpu_count() or 1
    yield _threads(usable, cores, os.environ.get("OMP_NUM_THREADS"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft != resource.RLIM_INFINITY and soft < FEW_FILES
    message = f"{soft} (ulimit -n), at most {hard}"
    remedy = f"ulimit -n {FEW_FILES}" if few else ""
    yield CheckResult("open files", WARN if few else OK, message, remedy=remedy)
    yield _memory(memory_limit())


def _threads(usable: int, cores: int, openmp: str | None) -> CheckResult:
    """Return the result on cores.

    Args:
        usable: Cores that the affinity and the cgroups of this process allow.
        cores: Of the machine.
        openmp: OMP_NUM_THREADS.
    """
    threads = f"OMP_NUM_THREADS {openmp or 'not set'}"
    message = f"{usable} of {cores} usable (affinity and quota), {threads}"
    if openmp and openmp.isdigit() and int(openmp) > usable:
        remedy = f"export OMP_NUM_THREADS={usable}: more threads than cores wait for each other"
        return CheckResult("cores", WARN, message, remedy=remedy)
    if usable == 1 and cores > 1:
        remedy = "in a job: ask for more with threads (cpus-per-task); shells of some login nodes "
        return CheckResult("cores", WARN, message, remedy=remedy + "have one")
    return CheckResult("cores", OK, message)


def _memory(limit: MemoryLimit) -> CheckResult:
    message = f"{format_bytes(limit.bytes, binary=True)}, {limit.source}"
    if limit.bytes < LEAST_MEMORY:
        status = FAIL if limit.bytes < LEAST_MEMORY // 4 else WARN
        remedy = "ask for more (mem_mb); training needs some GiB"
        return CheckResult("memory", status, message, remedy=remedy)
    return CheckResult("memory", OK, message)

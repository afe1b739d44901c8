"""What this process may use: cores, threads, open files, memory."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

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


def memory_limit(root: Path = Path("/")) -> tuple[int, str]:
    """Bytes this process may take in all, and what sets that: the machine, or the tightest cgroup it is in (SLURM, containers)."""
    limit, by = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "the machine's"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return limit, by
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            base, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        own = base / path.strip("/")
        for folder in (own, *own.parents):
            try:
                value = int((folder / name).read_text())
            except (OSError, ValueError):  # none there, or "max"
                continue
            if value < limit:
                limit, by = value, f"of cgroup {folder.relative_to(base)}"
    return limit, by


def _memory(limit: tuple[int, str]) -> CheckResult:
    found = f"{limit[0] / 2**30:.1f} GiB, {limit[1]}"
    if limit[0] < LEAST_MEMORY:
        return CheckResult(
            "memory",
            FAIL if limit[0] < LEAST_MEMORY // 4 else WARN,
            found,
            "ask for more (mem_mb); training needs some GiB",
        )
    return CheckResult("memory", OK, found)

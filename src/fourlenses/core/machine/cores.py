"""Cores that this process may use: its affinity, and the quotas of its cgroups.

A container's quota (`docker run --cpus 2`, a pod's limit) leaves the affinity as it is; threads for
all of the machine's cores would then wait for each other.
"""

import math
import os
from pathlib import Path

from fourlenses.core.machine.memory import cgroup_folders


def usable_cores(root: Path = Path("/")) -> int:
    """Return the number of cores, at least 1.

    Args:
        root: As in `memory.available_memory`.
    """
    affinity = len(os.sched_getaffinity(0))
    quota = core_quota(root)
    return affinity if quota is None else max(1, min(affinity, math.ceil(quota)))


def core_quota(root: Path = Path("/")) -> float | None:
    """Return the smallest quota of this process's cgroups, in cores; None if there is none."""
    quotas = [
        quota for folder in cgroup_folders(root, "cpu") if (quota := _quota(folder)) is not None
    ]
    return min(quotas, default=None)


def _quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():  # version 2
            most, period = (folder / "cpu.max").read_text().split()
        else:
            most = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        quota = int(most) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # absent, or "max"
        return None
    return quota if quota > 0 else None  # -1 for none in version 1


if __name__ == "__main__":  # for the Makefile
    print(usable_cores())

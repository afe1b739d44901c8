"""Processes of this machine: whether one still runs, and since when.

psutil reads them. Its `create_time` is a time of the clock, which may be set: a living process
would then look like another one. So a process is identified by its id and by its start in clock
ticks since boot. `kill(pid, 0)` tells whether the id is in use: psutil's `pid_exists` takes the
processes that /proc hides (hidepid) for dead ones.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

_IMPORTED = time.monotonic()
_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def start_ticks(pid: int | None = None) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it has ended (a zombie).

    Args:
        pid: Of a process; None is this one.

    Raises:
        psutil.Error: There is no such process, or it is hidden from this user.
    """
    process = psutil.Process(pid)
    if process.status() in _ENDED:
        return None
    while True:
        boot = psutil.boot_time()
        since_boot = psutil.Process(pid).create_time() - boot
        if psutil.boot_time() == boot:  # else the clock was set in between
            return round(since_boot * os.sysconf("SC_CLK_TCK"))


def is_dead(pid: int, started: int | None) -> bool:
    """Return whether a process is certain to be gone.

    Args:
        pid: In this process's pid namespace.
        started: Its `start_ticks`; None if unknown.
    """
    if not _id_is_in_use(pid):
        return True
    try:
        now = start_ticks(pid)
    except psutil.Error:  # it ended just now, or /proc hides the processes of other users
        return not _id_is_in_use(pid)
    return now is None or (started is not None and now != started)


def _id_is_in_use(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return True


def has_ended(holder: Mapping) -> bool:
    """Return whether the process that a lock file describes is certain to be gone.

    Only this machine's own processes can be asked for; of others the answer is False.

    Args:
        holder: With the keys ``machine`` (of `machine`), ``pid`` and ``pid_started_ticks``.
    """
    here = machine()
    if here is None or holder.get("machine") != here or not isinstance(holder.get("pid"), int):
        return False
    return is_dead(holder["pid"], holder.get("pid_started_ticks"))


def machine() -> list[str] | None:
    """Return the ids of the running kernel and of the pid namespace; None without /proc.

    Pids are comparable only where both are equal: host names repeat, and each container counts its
    own processes from 1.
    """
    try:
        return [
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            os.readlink("/proc/self/ns/pid"),
        ]
    except OSError:
        return None


def own_start() -> int | None:
    """Return `start_ticks` of this process, None if it cannot be read."""
    try:
        return start_ticks()
    except psutil.Error:
        return None


def seconds_since_start() -> float:
    """Return the seconds since this process started, its imports included.

    Where its start cannot be read, since this module was imported.
    """
    started = own_start()
    if started is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return time.monotonic() - _IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")

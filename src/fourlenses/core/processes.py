"""What the kernel says about processes: whether one still runs, and since when. Where there is no /proc, nothing is known."""

import os
import time
from pathlib import Path

_IMPORTED = time.monotonic()


def start_ticks(pid: int | str = "self") -> int | None:
    """When a process started, in clock ticks since boot: with the pid it names one process for good. None: it has ended.

    Raises:
        OSError: there is no such entry in /proc, or it is hidden from this user.
    """
    line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    fields = line[
        line.rindex(")") + 2 :
    ].split()  # the name in brackets before may hold spaces and brackets itself
    return None if fields[0] in "ZX" else int(fields[19])


def is_dead(pid: int, started: int | None) -> bool:
    """Whether the process of this pid namespace that had ``pid`` and started at ``started`` ticks is certain to be gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # another user's
    try:
        now = start_ticks(pid)
    except OSError:  # /proc may hide the processes of other users
        return False
    return now is None or (started is not None and now != started)


def machine() -> list[str] | None:
    """The running kernel and the pid namespace: only where both are equal are pids comparable. Hostnames repeat, containers count anew."""
    try:
        return [
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            os.readlink("/proc/self/ns/pid"),
        ]
    except OSError:
        return None


def own_start() -> int | None:
    """`start_ticks` of this process, None where there is no /proc."""
    try:
        return start_ticks()
    except OSError:
        return None


def seconds_since_start() -> float:
    """Seconds since this process started, its imports included (without /proc: since this module was imported)."""
    started = own_start()
    if started is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return time.monotonic() - _IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")

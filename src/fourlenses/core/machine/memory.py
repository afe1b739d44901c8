"""Memory of this machine, and of the cgroups (SLURM jobs, containers) that limit this process.

psutil knows the machine's; cgroups are read here, as psutil does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class MemoryLimit:
    """The most memory this process may ever take.

    Attributes:
        bytes: The limit.
        source: What sets it, as words: ``the machine's`` or ``of cgroup <path>``.
    """

    bytes: int
    source: str


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes this process can still take: free on the machine and within its cgroups.

    Args:
        root: Root of ``proc/self/cgroup`` and ``sys/fs/cgroup``.
    """
    free = psutil.virtual_memory().available
    return max(0, min([free, *(cgroup.room for cgroup in _cgroups(root))]))


def memory_limit(root: Path = Path("/")) -> MemoryLimit:
    """Return the machine's memory, or the smallest limit on the path up from this process's cgroup.

    Args:
        root: As in `available_memory`.
    """
    limits = [MemoryLimit(psutil.virtual_memory().total, "the machine's")]
    limits += [MemoryLimit(cgroup.limit, f"of cgroup {cgroup.name}") for cgroup in _cgroups(root)]
    return min(limits, key=lambda limit: limit.bytes)


@dataclass(frozen=True)
class _Cgroup:
    """A cgroup with a limit. room: bytes left, where cached files do not count as used."""

    name: str
    limit: int
    room: int


def cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's cgroups: its own and every one above, which binds too.

    Args:
        root: Of ``proc/self/cgroup`` and ``sys/fs/cgroup``.
        controller: Of version 1, as in ``memory``; those of version 2 have all in one folder.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            base = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            base = root / "sys/fs/cgroup" / controller
        else:
            continue
        # inside a container the path may name nothing, but the base does
        folder = base / path.strip("/")
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(base))


def _cgroups(root: Path) -> Iterator[_Cgroup]:
    for folder in cgroup_folders(root, "memory"):
        if cgroup := _read(folder, root / "sys/fs/cgroup"):
            yield cgroup


def _read(folder: Path, base: Path) -> _Cgroup | None:
    if (folder / "memory.max").exists():  # version 2
        limit_file, usage_file, cached = "memory.max", "memory.current", "inactive_file"
    else:
        limit_file, usage_file = "memory.limit_in_bytes", "memory.usage_in_bytes"
        cached = "total_inactive_file"
    # from memory.high on (MemoryHigh of systemd) a process is slowed down until it hardly moves
    limits = [_number(folder / name) for name in (limit_file, "memory.high")]
    limit = min((number for number in limits if number is not None), default=None)
    if limit is None:
        return None
    try:
        used = int((folder / usage_file).read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
        used -= int(dict(line.split() for line in lines).get(cached, 0))
    except (OSError, ValueError):
        used = 0
    name = str(folder.relative_to(base)).removeprefix("memory/")
    return _Cgroup(name, limit, limit - used)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # absent, or "max"
        return None


if __name__ == "__main__":  # for the Makefile: MB of a limit below the machine's own memory
    _limit = memory_limit()
    if _limit.bytes < psutil.virtual_memory().total:
        print(_limit.bytes // 1_000_000)

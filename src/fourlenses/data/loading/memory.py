"""How much memory there is left to take."""

import os
from pathlib import Path

import torch


def available_bytes(device: torch.device) -> int:
    """Free memory of a GPU, or what a process may still take on this machine: the least of what is free and what its cgroups allow."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else host_bytes()


def host_bytes(root: Path = Path("/")) -> int:
    """``root`` is that of /proc and /sys. A job's cgroup (SLURM, containers) may allow far less than the machine has."""
    try:
        (line,) = (
            line
            for line in (root / "proc/meminfo").read_text().splitlines()
            if line.startswith("MemAvailable:")
        )
        free = int(line.split()[1]) << 10
    except (OSError, ValueError):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(0, min([free, *_cgroup_room(root)]))


def _cgroup_room(root: Path) -> list[int]:
    """Of each limited cgroup that the process is in: its limit less what is used, where files that were read do not count as used."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    rooms = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base, names = (
                root / "sys/fs/cgroup/memory",
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
            )
        else:
            continue
        # a limit of a parent binds as well; inside a container the path may not be seen, but the base is
        own = base / path.strip("/")
        for folder in {own, *(parent for parent in own.parents if parent.is_relative_to(base))}:
            try:
                limit, used = (
                    (folder / names[0]).read_text().strip(),
                    int((folder / names[1]).read_text()),
                )
                statistics = dict(
                    line.split() for line in (folder / "memory.stat").read_text().splitlines()
                )
            except (OSError, ValueError):
                continue
            if limit != "max":
                rooms.append(int(limit) - used + int(statistics.get(names[2], 0)))
    return rooms

"""A trial of a file system: space, speed, locks, renames.

It runs in a separate process, as a network file system may hang.
"""

import fcntl
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import TypedDict

SIZE = 32 << 20  # bytes written
BLOCK, READS = 128 << 10, 64  # bytes of a random read (an image or two), and their number
# names as in /proc/self/mountinfo
NETWORK = (
    "nfs",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "cifs",
    "smb",
    "wekafs",
    "panfs",
    "pvfs",
    "orangefs",
    "glusterfs",
    "afs",
    "9p",
    "sshfs",
)


class Trial(TypedDict):
    """The measurements on a file system.

    Attributes:
        folder: It was tried there.
        kind: Type of the file system, as in /proc/self/mountinfo.
        network: Whether it is one over the network.
        free: Bytes.
        files_free: Free inodes; None where the file system does not count them.
        write_bytes_per_second: Of one file, synced.
        random_reads_per_second: Of BLOCK bytes, not from the kernel's cache.
        renames: A rename replaces a file whole.
        hard_links: They work, and are refused where there is a file.
        locks: The kernel's locks work.
        modes: Permissions of files can be set.
        times: Times of files can be set.
        clock_off_seconds: The file server's clock minus that of this machine.
    """

    folder: str
    kind: str
    network: bool
    free: int
    files_free: int | None
    write_bytes_per_second: float
    random_reads_per_second: float
    renames: bool
    hard_links: bool
    locks: bool
    modes: bool
    times: bool
    clock_off_seconds: float


def trial(folder: str) -> Trial:
    """Try the file system of a folder, or of its nearest parent that exists.

    Everything made there is removed.
    """
    existing = Path(folder).absolute()
    while not existing.is_dir():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    inodes = os.statvfs(existing)
    kind = file_system(existing)
    with tempfile.TemporaryDirectory(prefix=".fourlenses-doctor-", dir=existing) as name:
        scratch = Path(name)
        writes, reads = _speed(scratch / "speed", min(SIZE, free // 4))
        return {
            "folder": str(existing),
            "kind": kind,
            "network": is_network(kind),
            "free": free,
            "files_free": inodes.f_favail if inodes.f_files else None,
            "write_bytes_per_second": writes,
            "random_reads_per_second": reads,
            "renames": _renames(scratch),
            "hard_links": _hard_links(scratch),
            "locks": _locks(scratch / "lock"),
            "modes": _modes(scratch / "modes"),
            "times": _times(scratch / "times"),
            "clock_off_seconds": _clock_offset(scratch / "fresh"),
        }


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the type of the file system of a folder; "unknown" where there is no /proc."""
    best, kind = "", "unknown"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return kind
    resolved = folder.resolve()
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        # of two mounts at one point the later lies on top
        if resolved.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind


def is_network(kind: str) -> bool:
    return kind.removeprefix("fuse.").startswith(NETWORK)


def _speed(file: Path, size: int) -> tuple[float, float]:
    """Return bytes written (and synced) a second, and random reads of BLOCK bytes a second.

    The kernel's cache is emptied of the file before it is read.
    """
    chunk = random.Random(0).randbytes(1 << 20)  # not zeros: some file systems compress
    began = time.perf_counter()
    with open(file, "wb") as written:
        for _ in range(size >> 20):
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    spent = time.perf_counter() - began
    with open(file, "rb", buffering=0) as read:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(read.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            os.posix_fadvise(read.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        starts = [random.Random(k).randrange(max(1, size - BLOCK)) for k in range(READS)]
        began = time.perf_counter()
        for start in starts:
            os.pread(read.fileno(), BLOCK, start)
        return size / spent, READS / (time.perf_counter() - began)


def _renames(folder: Path) -> bool:
    """Return whether a rename replaces a file whole and leaves nothing behind."""
    old, new = folder / "old", folder / "new"
    old.write_text("old")
    new.write_text("new")
    os.replace(new, old)
    return old.read_text() == "new" and not new.exists()


def _hard_links(folder: Path) -> bool:
    """Return whether a link is refused where there is a file: locks of directories need that."""
    first, second = folder / "first", folder / "second"
    first.write_text("1")
    second.write_text("2")
    try:
        os.link(first, folder / "link")
    except OSError:
        return False
    try:
        os.link(first, second)
    except FileExistsError:
        return second.read_text() == "2"
    return False


def _locks(file: Path) -> bool:
    """Return whether the kernel's locks work, which are a mount option of network file systems."""
    with open(file, "wb") as locked:
        try:
            fcntl.lockf(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _modes(file: Path) -> bool:
    """Return whether permissions can be set, which buckets and Windows shares lack."""
    file.touch()
    try:
        file.chmod(0o600)
        return file.stat().st_mode & 0o777 == 0o600
    except OSError:
        return False


def _times(file: Path) -> bool:
    """Return whether a file's time can be set and is kept."""
    file.touch()
    try:
        os.utime(file, (1_000_000_000, 1_000_000_000))
    except OSError:
        return False
    return abs(file.stat().st_mtime - 1_000_000_000) < 3


def _clock_offset(file: Path) -> float:
    """Return the seconds from this machine's clock to the one that gives files their times."""
    file.touch()
    return round(file.stat().st_mtime - time.time(), 1)

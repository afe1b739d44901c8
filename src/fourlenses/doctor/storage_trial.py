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


def trial(folder: str) -> dict:
    """Return numbers on the file system of a folder, or of its nearest parent that exists.

    Everything made there is removed.
    """
    place = Path(folder).absolute()
    while not place.is_dir():
        place = place.parent
    use = shutil.disk_usage(place)
    inodes = os.statvfs(place)
    kind = file_system(place)
    found = {
        "folder": str(place),
        "kind": kind,
        "network": is_network(kind),
        "free": use.free,
        "total": use.total,
        "files_free": inodes.f_favail if inodes.f_files else None,
    }
    with tempfile.TemporaryDirectory(prefix=".fourlenses-doctor-", dir=place) as name:
        trials = Path(name)
        size = min(SIZE, use.free // 4)
        found |= _speed(trials / "speed", size)
        found["renames"] = _renames(trials)
        found["hard_links"] = _hard_links(trials)
        found["locks"] = _locks(trials / "lock")
        fresh = trials / "fresh"
        fresh.touch()
        os.utime(fresh)
        found["clock_off_seconds"] = round(fresh.stat().st_mtime - time.time(), 1)
    return found


def file_system(place: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Type of the file system that ``place`` is on; "unknown" where there is no /proc."""
    best, kind = "", "unknown"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return kind
    resolved = place.resolve()
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        # of two mounts at one place the later lies on top
        if resolved.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind


def is_network(kind: str) -> bool:
    return kind.removeprefix("fuse.").startswith(NETWORK)


def _speed(file: Path, size: int) -> dict:
    """Return bytes written (and synced) a second, and random reads a second.

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
    return {
        "write_bytes_per_second": size / spent,
        "random_reads_per_second": READS / (time.perf_counter() - began),
    }


def _renames(folder: Path) -> bool:
    """Whether a rename replaces a file with all of the new content and leaves nothing behind."""
    old, new = folder / "old", folder / "new"
    old.write_text("old")
    new.write_text("new")
    os.replace(new, old)
    return old.read_text() == "new" and not new.exists()


def _hard_links(folder: Path) -> bool:
    """Return whether a link is refused where there is a file: locks of directories need that."""
    one, other = folder / "one", folder / "other"
    one.write_text("1")
    other.write_text("2")
    try:
        os.link(one, folder / "link")
    except OSError:
        return False
    try:
        os.link(one, other)
    except FileExistsError:
        return other.read_text() == "2"
    return False


def _locks(file: Path) -> bool:
    """Return whether the kernel's locks work, which are a mount option of network file systems."""
    with open(file, "wb") as locked:
        try:
            fcntl.lockf(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True

"""The checkpoint directories of a job: who holds the lock, how far the training is, what is done.

One level below a job's directory there is one for each set of settings. Processes that hold a lock
refresh the modification time of its file.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.machine.processes import has_ended
from fourlenses.resume.live_progress import FILE as PROGRESS_FILE
from fourlenses.resume.lock import FILE as LOCK_FILE

# A lock is refreshed every 10 s; clocks of nodes and caches of file servers differ by some more.
FRESH_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class LockHolder:
    """A process that holds (or held) the lock of a checkpoint directory.

    Args:
        directory: that is locked.
        description: process, host and SLURM job.
        alive: it may be running.
        silent_seconds: since it refreshed the lock.
    """

    directory: Path
    description: str
    alive: bool
    silent_seconds: float


def newest_holder(checkpoints: Path) -> LockHolder | None:
    """Return the holder of the lock that was refreshed last, of all settings of a job."""
    locks = []
    for file in _glob(checkpoints, f"*/{LOCK_FILE}"):
        try:
            changed, content = file.stat().st_mtime, json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # released this moment
            continue
        if isinstance(content, dict):
            locks.append((changed, file, content))
    if not locks:
        return None
    changed, file, content = max(locks, key=lambda lock: lock[0])
    silent = max(0.0, time.time() - changed)
    job = f", SLURM job {content['slurm_job_id']}" if content.get("slurm_job_id") else ""
    return LockHolder(
        directory=file.parent,
        description=f"process {content.get('pid')} on {content.get('host')}{job}",
        alive=silent < FRESH_SECONDS and not has_ended(content),
        silent_seconds=silent,
    )


def read_progress(directory: Path) -> dict | None:
    """Return the newest progress file of a training, or of the trainings of an evaluation."""
    files = []
    for file in [directory / PROGRESS_FILE, *_glob(directory, f"*/{PROGRESS_FILE}")]:
        try:
            files.append((file.stat().st_mtime, json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return max(files, key=lambda entry: entry[0])[1] if files else None


def newest_step(checkpoints: Path) -> int | None:
    """Return the step of a pretraining's newest checkpoint, by its name."""
    steps = [int(file.name[4:].split(".")[0]) for file in _glob(checkpoints, "*/step*.pt")]
    return max(steps, default=None)


def has_cached_results(checkpoints: Path) -> bool:
    """Tell whether a finished training has its results in the cache (`resume.result_cache`)."""
    return bool(_glob(checkpoints, "*/finished/finished.json"))


def _glob(directory: Path, pattern: str) -> list[Path]:
    try:
        return list(directory.glob(pattern))
    except OSError:  # removed meanwhile
        return []

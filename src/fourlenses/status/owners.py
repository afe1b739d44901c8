"""Which jobs train now: the owner files of their checkpoint directories, whose modification time the owners refresh."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.processes import has_ended
from fourlenses.resume.live_progress import FILE as LIVE

FRESH_SECONDS = 120.0  # an owner refreshes its file every 10 s; clocks of nodes and the caches of file servers differ by some


@dataclass(frozen=True)
class Owner:
    """A job that owns (or owned) the directory of checkpoints ``folder``. silent_seconds: since its last sign of life."""

    folder: Path
    who: str
    alive: bool
    silent_seconds: float


def newest_owner(checkpoints: Path) -> Owner | None:
    """Of all owner files one level below ``checkpoints`` (one a set of settings) the one refreshed last."""
    found = []
    for file in _glob(checkpoints, "*/owner.json"):
        try:
            changed, content = file.stat().st_mtime, json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # released this moment
            continue
        if isinstance(content, dict):
            found.append((changed, file, content))
    if not found:
        return None
    changed, file, content = max(found, key=lambda each: each[0])
    silent = max(0.0, time.time() - changed)
    job = f", SLURM job {content['slurm_job_id']}" if content.get("slurm_job_id") else ""
    who = f"process {content.get('pid')} on {content.get('host')}{job}"
    return Owner(file.parent, who, silent < FRESH_SECONDS and not has_ended(content), silent)


def live_progress(folder: Path) -> dict | None:
    """The newest `LiveProgress` in ``folder`` or one level below, where the trainings of an evaluation are."""
    found = []
    for file in [folder / LIVE, *_glob(folder, f"*/{LIVE}")]:
        try:
            found.append((file.stat().st_mtime, json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return max(found, key=lambda each: each[0])[1] if found else None


def checkpoint_step(checkpoints: Path) -> int | None:
    """The step of the newest checkpoint, by its name; of a run of its own only, as an evaluation has one a training."""
    steps = [int(file.name[4:].split(".")[0]) for file in _glob(checkpoints, "*/step*.pt")]
    return max(steps, default=None)


def has_finished(checkpoints: Path) -> bool:
    """Whether a training keeps its results one level below ``checkpoints`` (`fourlenses.resume.result_cache`)."""
    return bool(_glob(checkpoints, "*/finished/finished.json"))


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except OSError:  # removed meanwhile
        return []

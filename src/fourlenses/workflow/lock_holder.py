"""The run that holds Snakemake's lock of a folder, which its lock does not name.

A run that was killed leaves its lock, and the next one would ask for `--unlock`. So each run writes
a note next to the lock. Where the note's process is certain to be gone, the lock is removed.
"""

import contextlib
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from fourlenses.core.machine import processes

LOCKS = Path(".snakemake/locks")  # Snakemake removes all of it when a run ends
_NOTES = "holder-*.json"
UNLOCK = (
    "add --unlock to the same command once (make run ARGS=--unlock), then give it again without"
)


def write_note(*, jobs_run_here: bool, locks: Path = LOCKS) -> None:
    """Note this process as a holder; nothing where there is no lock (`--nolock`).

    Args:
        jobs_run_here: jobs end with this process; a scheduler's jobs outlive it.
        locks: Snakemake's folder of locks.
    """
    if not any(locks.glob("*.lock")):
        return
    note = {
        "pid": os.getpid(),
        "pid_started_ticks": processes.own_start(),
        "machine": processes.machine(),
        "host": socket.gethostname(),
        "jobs_run_here": jobs_run_here,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (locks / f"holder-{os.getpid()}.json").write_text(json.dumps(note))


def remove_stale(locks: Path = LOCKS) -> str:
    """Remove the lock of runs that were killed on this machine.

    Returns:
        A sentence; "" where nothing was removed: there is no lock, or a holder or its jobs may be
        alive.
    """
    notes = _read(locks)
    if not notes or not all(
        processes.has_ended(note) and note.get("jobs_run_here") is True for note in notes.values()
    ):
        return ""
    newest = max(file.stat().st_mtime_ns for file in notes)
    for lock in locks.glob("*.lock"):
        if lock.stat().st_mtime_ns <= newest:  # a later one is of a run that has just begun
            lock.unlink(missing_ok=True)
    for file in notes:
        file.unlink(missing_ok=True)
    pids = ", ".join(str(note["pid"]) for note in notes.values())
    return (
        f"the last run here (process {pids}) was killed; its lock is removed, and this one "
        "continues"
    )


def sentence(locks: Path = LOCKS) -> str:
    """Return what a user whose run found the folder locked is to do."""
    notes = sorted(_read(locks).values(), key=processes.has_ended)  # those alive first
    if not notes:
        return f"no run is known to hold the lock of this folder; if none works here, {UNLOCK}"
    first = notes[0]
    who = f"process {first['pid']} on {first.get('host')} since {first.get('since')}"
    if processes.has_ended(first):
        return (
            f"the last run here, {who}, was killed, and jobs that it submitted may still run "
            f"(squeue); {UNLOCK}"
        )
    if first.get("machine") == processes.machine():
        stop = f"kill -INT {first['pid']}"
        return f"another run works in this folder, {who}; wait for it, or stop it with {stop}"
    return f"another run works in this folder, {who}; if it has ended, {UNLOCK}"


def _read(locks: Path) -> dict[Path, dict]:
    notes = {}
    for file in sorted(locks.glob(_NOTES)):
        with contextlib.suppress(OSError, ValueError):
            note = json.loads(file.read_text())
            if isinstance(note, dict) and isinstance(note.get("pid"), int):
                notes[file] = note
    return notes

"""The restart log: how often a run was started, and how far each attempt got.

A run that repeats itself without moving on ends with the reason. Snakemake deletes a job's log
before each retry, and a scheduler may kill an attempt without a word. This small file lies next to
the checkpoints, so that it outlives both and says what the attempts before ended with.
"""

import contextlib
import json
import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fourlenses.core.errors import Interrupted, UserError, printable
from fourlenses.core.files import read_json, write_json
from fourlenses.resume.lock import LockLost

log = logging.getLogger(__name__)

MOST_KEPT = 100
_UNKNOWN = "it was killed (out of memory, a time limit, a lost node) or its node went away"
_LONGEST = 500  # characters of an error that are kept


class RestartLog:
    """``restarts.json`` in a directory: what each attempt started from, when, where, how it ended.

    Args:
        patience: after this many attempts in a row from one point, another from there is refused.
            Attempts that the user stopped (Ctrl-C) do not count.
    """

    def __init__(self, directory: str | os.PathLike, patience: int = 3) -> None:
        self.file, self.patience = Path(directory) / "restarts.json", patience
        self._known = self._read()

    @contextlib.contextmanager
    def attempt(self, start: str) -> Iterator[None]:
        """Note an attempt, and every exception of the block on its way out.

        Not `LockLost`: the file is another's then.

        Args:
            start: where the attempt starts, such as "step 40"; equal texts are equal progress.

        Raises:
            UserError: on entry, if none of the last ``patience`` attempts got beyond ``start``; the
                message holds what the last ended with.
        """
        self._refuse_standstill(start)
        job = os.environ.get("SLURM_JOB_ID")
        entry = {
            "from": start,
            "started": _now(),
            "host": socket.gethostname(),
            "slurm_job_id": job,
            "ended": None,
        }
        self._known = [*self._known, entry][-MOST_KEPT:]
        self._write()
        try:
            yield
        except LockLost:
            raise
        except BaseException as error:
            entry["ended"] = (
                "stopped by the user" if isinstance(error, KeyboardInterrupt) else _reason(error)
            )
            self._write()
            raise

    def clear(self) -> None:
        """Forget all attempts: the run is done. Never raises OSError."""
        with contextlib.suppress(OSError):
            self.file.unlink(missing_ok=True)

    def _refuse_standstill(self, start: str) -> None:
        counted = [entry for entry in self._known if entry["ended"] != "stopped by the user"]
        last = counted[-self.patience :]
        if len(last) < self.patience or any(entry["from"] != start for entry in last):
            return
        jobs = [entry["slurm_job_id"] for entry in last if entry["slurm_job_id"]]
        raise UserError(
            f"the last {self.patience} attempts all started from {start} and none left a later "
            "checkpoint"
            + (f" (SLURM jobs {', '.join(jobs)})" if jobs else "")
            + f". The last one ended so: {last[-1]['ended'] or _UNKNOWN}. Put that right (more "
            "memory or 'runtime' in the profile, a shorter 'training.checkpoint_minutes'), remove "
            f"{self.file}, and run the same command again"
        )

    def _read(self) -> list[dict]:
        try:
            known = read_json(self.file)
            return [
                {key: entry[key] for key in ("from", "started", "host", "slurm_job_id", "ended")}
                for entry in known
            ]
        except FileNotFoundError:
            return []
        except (OSError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            log.warning("%s cannot be used (%s); attempts are counted again", self.file, error)
            return []

    def _write(self) -> None:
        """What cannot be written is not counted; training does not depend on it."""
        try:
            write_json(self.file, self._known)
        except OSError as error:
            log.warning("%s cannot be written (%s)", self.file, error.strerror or error)


def _reason(error: BaseException) -> str:
    text = (
        printable(str(error))
        if isinstance(error, UserError | Interrupted)
        else printable(f"{type(error).__name__}: {error}")
    )
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

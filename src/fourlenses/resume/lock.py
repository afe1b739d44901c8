"""A lock on a directory: two jobs never train into the same one, not even on two nodes.

Snakemake submits a running job a second time after its own head process was killed and restarted;
both would then train and delete each other's checkpoints. Locks of the kernel (flock) are a mount
option on NFS and Lustre, so the lock is a file, ``lock.json``. Its holder refreshes its
modification time; another job watches whether that time moves. Clocks of nodes are never compared.

It is written by hand although filelock's SoftReadWriteLock (4.2.12) also compares no clocks and
survives a fork. That one waits its whole stale threshold for a holder that was killed on the same
machine, and cannot check the lock before a write: a loss shows only at the next heartbeat. Its
record holds no SLURM job and no start of the process, which the refusal and `make status` need. It
refuses file systems without hard links, and its folder stays after the release.
"""

import contextlib
import errno
import json
import logging
import os
import secrets
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from fourlenses.core.errors import UserError
from fourlenses.core.files import sync
from fourlenses.core.machine import processes

log = logging.getLogger(__name__)

FILE = "lock.json"

_HUNG_SECONDS = 5.0  # reading that takes longer was held up by the file server
_SETTLE_SECONDS = 1.0
_GONE = (errno.ENOENT, errno.ESTALE)


class LockLost(UserError):
    """Another process may hold the lock of the directory now."""


class TrainingLock:
    """The lock of a directory, held within a ``with`` block.

    The directory is made if need be, and removed at the end if nothing is in it. A holder whose
    process is known to have ended (same machine) is replaced at once.

    Args:
        beat_seconds: between two refreshes of ``lock.json``.
        patience_seconds: without a refresh a holder counts as gone after these; several beats, as
            a node may be held up.

    Raises:
        UserError: on entry, if another holder is alive (the message names it) or the directory
            cannot be written.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        *,
        beat_seconds: float = 10.0,
        patience_seconds: float = 60.0,
    ) -> None:
        self.directory = Path(directory)
        self.file = self.directory / FILE
        self.beat_seconds, self.patience_seconds = beat_seconds, patience_seconds
        self._poll = min(2.0, patience_seconds / 10)
        self._content, self._token = b"", ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "TrainingLock":
        self._token = secrets.token_hex(16)
        self._content = _content(self._token)
        try:
            self._acquire()
        except OSError as error:
            self._release()
            reason = error.strerror or error
            raise UserError(
                f"cannot lock {self.directory}: {reason} ({error.filename or self.file}); make it "
                "writable, free space, or choose another"
            ) from error
        except BaseException:  # an interrupt just after the file was put into place
            self._release()
            raise
        self._ended.clear()
        self._thread = threading.Thread(target=self._beat, name="lock-beat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._thread is not None
        self._thread.join(timeout=_HUNG_SECONDS)  # it may hang in a file system that does
        self._release()

    def verify(self) -> None:
        """Check that the lock is still held; before anything is written that another might write.

        Raises:
            LockLost: another process holds it now, or ``lock.json`` is gone.
        """
        content = self._settled()
        if content is None:
            raise LockLost(
                f"{self.file} of this run is gone or cannot be read, so another job may train "
                f"into {self.directory}; this one stops. Run the same command again to continue "
                "from the newest checkpoint"
            )
        if content != self._content:
            raise LockLost(
                f"{self.directory} was taken over by {_describe(content)}, because this run "
                f"(process {os.getpid()} on host {socket.gethostname()}) showed no sign of life "
                "for a while (suspended, or its file system hung); this one stops, the other "
                "continues from the newest checkpoint"
            )

    # --- entry

    def _acquire(self) -> None:
        if self._claim():
            return
        while True:
            if self._claim():
                # a rival that watched the same dead holder may be about to rename our file; it then
                # puts it back
                time.sleep(min(_SETTLE_SECONDS, self.beat_seconds))
                if self._settled() == self._content:
                    return
                continue
            there = self._read()
            if there is None:  # released this moment
                time.sleep(min(0.1, self._poll))
            elif (reason := self._abandoned(*there)) and self._displace(there[0]):
                holder = _describe(there[0])
                log.warning("taking over %s from %s, %s", self.directory, holder, reason)

    def _claim(self) -> bool:
        """Put the lock file into place unless there is one; return whether ours is there.

        A hard link does so atomically on NFS too, and shows no half-written file.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f".lock.{self._token}.part"
        try:
            _write(temporary, self._content)
            try:
                os.link(temporary, self.file)
            except (FileExistsError, FileNotFoundError):
                raise
            except OSError:  # a file system without hard links
                _write(self.file, self._content)
        except (FileExistsError, FileNotFoundError):
            pass  # another's; or another just removed the directory, which was empty
        finally:
            temporary.unlink(missing_ok=True)
        # not the error decides but the content: NFS repeats a request whose reply got lost, and
        # then refuses what it has done
        there = self._read()
        return there is not None and there[0] == self._content

    def _abandoned(self, content: bytes, changed: int) -> str:
        """Watch a holder; return why it counts as gone, empty if the file is another's by now.

        Args:
            content: of the lock file.
            changed: its modification time, ns.

        Raises:
            UserError: it is alive.
        """
        who = _describe(content)
        if processes.has_ended(_parse(content)):
            return "whose process has ended"
        log.info(
            "%s: %s is noted as training into it; watching for up to %g s whether it is still "
            "alive",
            self.directory,
            who,
            self.patience_seconds,
        )
        quiet, before = 0.0, time.monotonic()
        while quiet < self.patience_seconds:
            time.sleep(self._poll)
            there = self._read()
            if there is None or there[0] != content:
                return ""
            if there[1] != changed:
                raise UserError(
                    f"{self.directory} is being trained into by {who}; wait for it to end or "
                    "cancel it, then run the same command again"
                )
            if processes.has_ended(_parse(content)):
                return "whose process has ended"
            now = time.monotonic()
            # while the file server hangs, a living holder cannot refresh its file either
            hung = now - before > self._poll + _HUNG_SECONDS
            quiet, before = 0.0 if hung else quiet + now - before, now
        return f"who has shown no sign of life for {self.patience_seconds:g} s"

    # --- the file

    def _read(self) -> tuple[bytes, int] | None:
        """Return content and modification time (ns) of the lock file, None if there is none.

        It is opened, since NFS answers a mere stat from its cache.
        """
        try:
            with open(self.file, "rb") as file:
                return file.read(), os.fstat(file.fileno()).st_mtime_ns
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def _settled(self) -> bytes | None:
        """Return the lock file's content.

        Where it is missing or unreadable it is tried again: a rival may be putting it back.
        """
        for _ in range(5):
            with contextlib.suppress(OSError):
                if there := self._read():
                    return there[0]
            time.sleep(min(0.5, self.beat_seconds))
        return None

    def _displace(self, content: bytes) -> bool:
        """Remove the lock file if it holds ``content``; return whether it did.

        Of two that try one succeeds. A rename takes whatever is there at that moment, so what was
        taken is read again, and put back if it is another's. The name it is taken to is removed: on
        NFS an open file's former holder only then sees for sure that its name means another file.
        """
        there = self._read()
        if there is None or there[0] != content:
            return False
        aside = self.directory / f".lock.{self._token}.stale"
        try:
            os.rename(self.file, aside)
        except FileNotFoundError:
            return False
        try:
            with contextlib.suppress(OSError):  # unread counts as another's
                if aside.read_bytes() == content:
                    return True
            try:
                os.link(aside, self.file)
            except FileExistsError:
                pass  # a third has claimed it meanwhile; the holder in between learns by `verify`
            except OSError:  # a file system without hard links
                os.rename(aside, self.file)
            return False
        finally:
            aside.unlink(missing_ok=True)

    def _release(self) -> None:
        """Remove the file if it is ours, and what killed rivals left.

        Leaves quietly if the directory has vanished.
        """
        with contextlib.suppress(OSError):
            if self._displace(self._content):
                for leftover in self.directory.glob(".lock.*"):
                    leftover.unlink(missing_ok=True)
                self.directory.rmdir()  # only if empty

    def _renew(self) -> None:
        """Give the owner file the time of now, by its content where times cannot be set."""
        try:
            os.utime(self.file)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOSYS, errno.ENOTSUP):
                raise
            with open(self.file, "r+b") as file:
                file.write(self._content)

    def _beat(self) -> None:
        """Refresh the lock file until the end.

        Never raises: what is wrong with it is for `verify` to report, in the main thread.
        """
        warned = False
        while not self._ended.wait(self.beat_seconds):
            try:
                there = self._read()
                # another's must not be kept alive by us
                if there is not None and there[0] == self._content:
                    self._renew()
            except Exception as error:
                if not warned:
                    log.warning(
                        "%s cannot be refreshed (%s: %s); trying on",
                        self.file,
                        type(error).__name__,
                        error,
                    )
                warned = True


def _content(token: str) -> bytes:
    holder = {
        "token": token,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "pid_started_ticks": processes.own_start(),
        "machine": processes.machine(),
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return (json.dumps(holder, indent=1) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        sync(file.fileno())


def _parse(content: bytes) -> dict:
    with contextlib.suppress(ValueError):
        if isinstance(holder := json.loads(content), dict):
            return holder
    return {}


def _describe(content: bytes) -> str:
    holder = _parse(content)
    if not holder:
        return f"an unknown process ({FILE} holds no JSON object)"
    job = f" (SLURM job {holder['slurm_job_id']})" if holder.get("slurm_job_id") else ""
    process = f"process {holder.get('pid')} on host {holder.get('host')}"
    return f"{process}{job} since {holder.get('started')}"

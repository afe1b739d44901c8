"""The end of a job whose Snakemake was killed: SIGTERM, as from a scheduler.

A head that is killed (SIGKILL, no memory left) can end none of its jobs. They would go on unseen,
and the next run would start the same work next to them.

/proc is read here without psutil: every program imports this at its start.
"""

import os
import signal
import threading
import time
from pathlib import Path

HEAD = "FOURLENSES_HEAD"  # the process id of the Snakemake that started the job's shell
_POLL_SECONDS = 2.0


def parent_of(pid: int) -> int | None:
    """Return the parent of a process; None if there is no such process, or no /proc."""
    try:
        # the name, in brackets, may hold brackets and spaces
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def shell_of(head: int) -> int | None:
    """Return the ancestor of this process, or the process itself, that ``head`` started."""
    pid: int | None = os.getpid()
    while pid and (parent := parent_of(pid)) != head:
        pid = parent
    return pid or None


def end_with_head() -> None:
    """Watch, in a thread, the Snakemake that the environment names; outside of a job do nothing."""
    head = os.environ.get(HEAD, "")
    shell = shell_of(int(head)) if head.isdigit() else None
    if shell is not None:
        threading.Thread(target=_watch, args=(int(head), shell), daemon=True).start()


def _watch(head: int, shell: int) -> None:
    # a killed head stays visible until its own parent asks for it; its shell's parent changes at
    # once
    while parent_of(shell) == head:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)

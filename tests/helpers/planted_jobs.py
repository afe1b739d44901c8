"""Files of jobs in every state, as a study leaves them."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from fourlenses.core.machine import processes

BAR = (
    "simclr/b-20/seed0:  70%|███████   | 879/1250 "
    "[04:20<01:40,  3.69step/s, loss 2.542, 437 images/s]"
)
FAILURE = "fourlenses: data/a/clean.beton: key 'learning_rate' is too <high>; lower it"


def plant_lock(folder: Path, age_seconds: float, **changes) -> Path:
    holder = {
        "pid": os.getpid(),
        "pid_started_ticks": processes.own_start(),
        "machine": processes.machine(),
        "host": socket.gethostname(),
    }
    folder.mkdir(parents=True)
    file = folder / "lock.json"
    file.write_text(json.dumps(holder | {"slurm_job_id": None} | changes))
    os.utime(file, (time.time() - age_seconds,) * 2)
    return folder


def plant(file: Path, content: str = "", age_seconds: float = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    os.utime(file, (time.time() - age_seconds,) * 2)


def ended_process() -> dict:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return {"pid": process.pid, "pid_started_ticks": 1}

"""Code and commands tried out in processes of their own: one that hangs or crashes is one finding, not the end of the doctor."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
_MARK = "fourlenses-doctor:"


@dataclass(frozen=True)
class Answer:
    """What the code returned (as JSON), or why there is no answer: one sentence in ``error``."""

    value: object = None
    error: str = ""


@dataclass(frozen=True)
class Ran:
    """A command's exit code (None: it could not be started or did not end in time), outputs, and in that case why."""

    code: int | None
    output: str = ""
    errors: str = ""
    reason: str = ""


def ask(code: str, *arguments: str, timeout: float = 120.0) -> Answer:
    """Run Python ``code`` that defines ``answer(*arguments)``, and return what that returned."""
    script = f"{code}\nimport json, sys\nprint({_MARK!r} + json.dumps(answer(*sys.argv[1:])), flush=True)\n"
    path = os.pathsep.join(
        part for part in (str(SOURCES), os.environ.get("PYTHONPATH", "")) if part
    )
    ran = run([sys.executable, "-c", script, *arguments], timeout, {"PYTHONPATH": path})
    for line in reversed(ran.output.splitlines()):
        if line.startswith(
            _MARK
        ):  # an answer counts even if the interpreter crashes on its way out
            return Answer(json.loads(line.removeprefix(_MARK)))
    if ran.code is None:
        return Answer(error=ran.reason)
    if ran.code < 0:
        with contextlib.suppress(ValueError):
            return Answer(error=f"crashed with {signal.Signals(-ran.code).name}")
    lines = [line.strip() for line in ran.errors.splitlines() if line.strip()]
    return Answer(error=lines[-1] if lines else f"ended with exit code {ran.code} and no answer")


def run(
    command: list[str], timeout: float = 30.0, environment: dict[str, str] | None = None
) -> Ran:
    """Run a command with all its children killed when it takes longer than ``timeout`` seconds. ``environment`` is added to this one's."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    except OSError as error:
        return Ran(None, reason=f"{command[0]} cannot be started ({error.strerror})")
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # first politely: srun then takes its job with it. What hangs in a file system cannot be killed, and is not waited for
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=3)
        return Ran(None, reason=f"no answer within {timeout:g} s")
    return Ran(process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"))

"""Code and commands run in separate processes: if one hangs or crashes, the doctor continues."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parents[2]
_MARK = "fourlenses-doctor:"


@dataclass(frozen=True)
class Answer:
    """The answer of code that `ask` ran.

    Attributes:
        value: What it returned, through JSON.
        error: Why there is no value, in a sentence; "" if there is one.
    """

    value: Any = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """Exit code and outputs of a command.

    Attributes:
        code: None if it could not be started or did not end in time.
        output: Of standard output.
        errors: Of standard error.
        reason: Why ``code`` is None.
    """

    code: int | None
    output: str = ""
    errors: str = ""
    reason: str = ""


def ask(code: str, *arguments: str, timeout: float = 120.0) -> Answer:
    """Run Python code in a separate interpreter.

    Args:
        code: Defines a function ``answer`` that returns what JSON can hold.
        arguments: Of ``answer``.
        timeout: Seconds.
    """
    printed = f"print({_MARK!r} + json.dumps(answer(*sys.argv[1:])), flush=True)"
    script = f"{code}\nimport json, sys\n{printed}\n"
    folders = (str(SOURCES), os.environ.get("PYTHONPATH", ""))
    path = os.pathsep.join(folder for folder in folders if folder)
    ran = run([sys.executable, "-c", script, *arguments], timeout, {"PYTHONPATH": path})
    for line in reversed(ran.output.splitlines()):
        # an answer counts even if the interpreter crashes on its way out
        if line.startswith(_MARK):
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
    """Run a command; it and all its children are killed when it takes too long.

    Args:
        command: The program and its arguments.
        timeout: Seconds.
        environment: Added to that of this process.
    """
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
        return Ran(code=None, reason=f"{command[0]} cannot be started ({error.strerror})")
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # first politely: srun then takes its job with it. What hangs in a file system cannot be
        # killed, and is not waited for.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=3)
        return Ran(code=None, reason=f"no answer within {timeout:g} s")
    return Ran(
        code=process.returncode,
        output=output.decode(errors="replace"),
        errors=errors.decode(errors="replace"),
    )

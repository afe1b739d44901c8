"""Python, and the installed packages against the pinned ones."""

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult

SETUP = "run make setup"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^\s;\\]+)(?P<marker>\s*;)?")


def check_interpreter(workflow: Path) -> Iterator[CheckResult]:
    """Check Python and its packages.

    Args:
        workflow: The folder with the Snakefile and envs/.
    """
    # an older Python is refused by workflow_scripts/doctor.py
    version = ".".join(map(str, sys.version_info[:3]))
    yield CheckResult("Python", OK, f"{version} at {sys.executable}")
    yield _pins(workflow / "envs" / "requirements.txt")


def _pins(file: Path) -> CheckResult:
    pinned, conditional = _read_pins(file)
    missing, other, right = [], [], 0
    for name, versions in pinned.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name not in conditional:  # those may be of another platform
                missing.append(name)
            continue
        if installed.split("+")[0] in versions:
            right += 1
        else:
            other.append(f"{name} {installed} (pinned: {', '.join(versions)})")
    if missing:
        first = ", ".join(missing[:4])
        message = f"{len(missing)} of {file.name} are not installed, e.g. {first}"
        return CheckResult("packages", FAIL, message, remedy=SETUP)
    if other:
        message = f"{right} as pinned, {len(other)} others: {', '.join(other[:3])}"
        remedy = f"{SETUP}, or know that tables may differ in last digits"
        return CheckResult("packages", WARN, message, remedy=remedy)
    return CheckResult("packages", OK, f"{right} as pinned in {file.name}")


def _read_pins(file: Path) -> tuple[dict[str, list[str]], set[str]]:
    """Return the pinned versions of each package, and the packages with an environment marker.

    A package may have several versions, for several versions of Python.
    """
    pinned: dict[str, list[str]] = {}
    conditional: set[str] = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        if match := _PIN.match(line):
            # a local ending (2.9.1+cu128) says how it was built
            pinned.setdefault(match["name"], []).append(match["version"].split("+")[0])
            if match["marker"]:
                conditional.add(match["name"])
    return pinned, conditional

"""Python, and the packages beside the pinned ones."""

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from fourlenses.doctor.check_result import FAIL, OK, WARN, CheckResult

SETUP = "run make setup"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^\s;\\]+)(?P<marker>\s*;)?")


def check_interpreter(workflow: Path) -> Iterator[CheckResult]:
    """``workflow``: the folder with the Snakefile and envs/."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield CheckResult(
        "Python", OK, f"{version} at {sys.executable}"
    )  # an older one is turned away by workflow_scripts/doctor.py
    yield _pins(workflow / "envs" / "requirements.txt")


def _pins(file: Path) -> CheckResult:
    pinned: dict[
        str, list[str]
    ] = {}  # for one package there may be several, for several versions of Python
    conditional = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        if match := _PIN.match(line):
            # a local ending (2.9.1+cu128) says how it was built
            pinned.setdefault(match["name"], []).append(match["version"].split("+")[0])
            if match["marker"]:
                conditional.add(match["name"])
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
        return CheckResult(
            "packages",
            FAIL,
            f"{len(missing)} of {file.name} are not installed, e.g. {', '.join(missing[:4])}",
            SETUP,
        )
    if other:
        found = f"{right} as pinned, {len(other)} others: {', '.join(other[:3])}"
        return CheckResult(
            "packages", WARN, found, f"{SETUP}, or know that tables may differ in last digits"
        )
    return CheckResult("packages", OK, f"{right} as pinned in {file.name}")

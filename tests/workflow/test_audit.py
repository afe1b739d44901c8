"""The audit of the pinned requirements asks about every file of them, and fails where one does."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKED = [
    file.with_suffix(".txt")
    for folder in ("envs", "benchmarks")
    for file in (ROOT / folder).glob("*.in")
]


def audit(folder: Path, fails: str) -> subprocess.CompletedProcess:
    """Run it with a uv that notes its arguments, and fails for one file."""
    (folder / "uv").write_text(f'#!/bin/sh\necho "$@"\ncase "$*" in *{fails}) exit 1;; esac\n')
    (folder / "uv").chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run([ROOT / "envs/audit.sh"], env=environment, capture_output=True, text=True)


def test_every_file_of_pins_is_audited(tmp_path: Path) -> None:
    end = audit(tmp_path, "nothing")
    assert end.returncode == 0
    asked = [line.rpartition(" -r ")[2] for line in end.stdout.splitlines()]
    assert sorted(asked) == sorted(file.relative_to(ROOT).as_posix() for file in LOCKED)
    # without it packages that cannot be asked about would count as sound
    assert all("--strict" in line for line in end.stdout.splitlines())


def test_one_finding_fails_and_the_others_are_audited_all_the_same(tmp_path: Path) -> None:
    end = audit(tmp_path, "bootstrap.txt")
    assert end.returncode == 1
    assert len(end.stdout.splitlines()) == len(LOCKED)

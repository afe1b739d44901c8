"""The count of how programs end."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks/process_ends.py"


def test_forks_end_as_programs_do() -> None:
    command = [sys.executable, str(PROGRAM), "--jobs", "3", "--load", "0", "--forked"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.partition(" s: ")[::2] for line in done.stdout.splitlines()]
    assert [(line.partition(":")[0], end) for line, end in lines] == [
        ("with the change", "3 ended with 0"),
        ("without it", "3 ended with 0"),
    ]


def test_a_fork_that_fails_is_counted(tmp_path: Path) -> None:
    (tmp_path / "0/manifest.parquet").mkdir(parents=True)  # where the first job writes a file
    command = [sys.executable, str(PROGRAM), "--serve", str(tmp_path), "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    codes = json.loads(done.stdout)
    assert codes.pop("0") == 1
    assert list(codes.values()) == [1]
    assert "manifest.parquet" in done.stderr

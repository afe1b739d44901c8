"""From the committed table alone to figures, findings and report.

`snakemake figures findings report` in a fresh folder, on one core.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from timing import clock, durations

ROOT = Path(__file__).resolve().parents[1]
STUDY, TABLES, AT_MOST = "real_quick", ("metrics.csv", "paired.csv", "similarity.csv"), 60


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    (row,) = durations(
        f"figures, findings and report of results/{STUDY} from its table",
        clock({"ours": redraw}, max(1, rounds - 1)),
    )
    yield row | {"at_most": AT_MOST}


def redraw() -> float:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results" / STUDY
        results.mkdir(parents=True)
        for name in TABLES:
            if (ROOT / "results" / STUDY / name).exists():
                shutil.copy(ROOT / "results" / STUDY / name, results)
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "figures",
            "findings",
            "report",
            "--quiet",
            "all",
            "--cores",
            "1",
            "--directory",
            folder,
        ]
        command += [
            "--snakefile",
            str(ROOT / "Snakefile"),
            "--configfile",
            str(ROOT / "studies" / f"{STUDY}.yaml"),
        ]
        began = time.perf_counter()
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        elapsed = time.perf_counter() - began
        if result.returncode or not (results / "report.html").exists():
            raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr[-3000:]}")
        return elapsed

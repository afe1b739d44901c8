"""Seconds that a Snakemake dry-run takes, for about 100, 1,000 and 10,000 jobs.

Of a study, and of a Snakefile of one rule with as many jobs. A dry-run in an empty folder, the
whole process. The one-rule Snakefile is what Snakemake itself needs for as many jobs, each with
one output file and no input. The studies have one lens and as many seeds as it takes; their jobs
depend on each other.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from timing import clock, durations

ROOT = Path(__file__).resolve().parents[1]
JOBS = (100, 1_000, 10_000)
# about: 3 encoders and one that is not trained, pretrained and evaluated, fine-tuned, and subsets
JOBS_A_SEED = 22
PAPER_SECONDS = 10


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        paper = ["--snakefile", ROOT / "Snakefile", "--configfile", ROOT / "studies" / "paper.yaml"]
        (row,) = durations(
            "dry-run of studies/paper.yaml",
            clock({"ours": lambda: dry_run(folder, paper)[0]}, rounds),
        )
        yield row | {"at_most": PAPER_SECONDS, "note": f"It has {dry_run(folder, paper)[1]} jobs."}
        for wanted in JOBS:
            study = [
                "--snakefile",
                ROOT / "Snakefile",
                "--configfile",
                overlay(folder, max(1, wanted // JOBS_A_SEED)),
            ]
            jobs = dry_run(folder, study)[1]  # which warms up too
            trivial = ["--snakefile", one_rule(folder, jobs)]
            contestants: dict[str, Callable[[], float]] = {
                "ours": lambda study=study: dry_run(folder, study)[0],
                "Snakemake, one rule": lambda trivial=trivial: dry_run(folder, trivial)[0],
            }
            yield from durations(
                f"dry-run of {jobs:,} jobs",
                clock(contestants, rounds if wanted < 10_000 else 1),
            )


def dry_run(folder: Path, arguments: list) -> tuple[float, int]:
    """Seconds, and how many jobs it says it would run.

    Raises:
        RuntimeError: Snakemake fails.
    """
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--dry-run",
        "--quiet",
        "rules",
        "--cores",
        "1",
        "--directory",
        folder,
        *arguments,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    began = time.perf_counter()
    result = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment
    )
    seconds = time.perf_counter() - began
    total = re.findall(r"^total +(\d+)", result.stdout + result.stderr, re.MULTILINE)
    if result.returncode or not total:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{result.stderr[-3000:]}")
    return seconds, int(total[-1])


def overlay(folder: Path, seeds: int) -> Path:
    """A study of the synthetic objects with this number of seeds."""
    text = f"""study: bench
seeds: {list(range(seeds))}
lenses: [quantity]
quantity:
  datasets: [objects]
  pretrain_images: [300, 1000, 3000]
  labelled_images: [300, 1000, 3000]
"""
    path = folder / f"seeds{seeds}.yaml"
    path.write_text(text)
    return path


def one_rule(folder: Path, jobs: int) -> Path:
    text = f"""rule all:
    input:
        expand("done/{{number}}", number=range({jobs - 1})),


rule one:
    output:
        "done/{{number}}",
    shell:
        "touch {{output}}"
"""
    path = folder / f"Snakefile{jobs}"
    path.write_text(text)
    return path

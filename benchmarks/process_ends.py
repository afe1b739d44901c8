"""How programs end on a busy machine: many short jobs, several at a time, and their exit codes.

A library's thread that still waits can abort a process after its last line (docs/measured of the
fault: `src/fourlenses/core/process_exit.py`). Each kind of end is counted, with the project's end
of a process and without it.

    .venv/bin/python benchmarks/process_ends.py --jobs 5000 --at-a-time 16
"""

import argparse
import collections
import concurrent.futures
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEFINITION = {"source": "synthetic", "domain": "objects", "seed": 1}
SIZES = {"train_images": 12, "test_images": 8}
# the same program, ended by the interpreter as any other
WITHOUT = """
import runpy, sys
from fourlenses.core import process_exit
process_exit.without_destructors = lambda run: run
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""
SPIN = "while True: pass"


def commands(folder: Path) -> list[list[str]]:
    """Return the short programs of a study: index, write, draw."""
    scripts, manifest = ROOT / "workflow_scripts", folder / "manifest.parquet"
    dataset = ["--dataset", "drawn", "--definition", json.dumps(DEFINITION | SIZES)]
    dataset += ["--raw-data", str(folder)]
    return [
        [f"{scripts}/index_dataset.py", *dataset, "--output", str(manifest)],
        [
            f"{scripts}/write_beton.py",
            *dataset,
            *("--manifest", str(manifest), "--stored-size", "24", "--workers", "1"),
            *("--output", str(folder / "clean.beton")),
        ],
    ]


def ended(number: int, prefix: list[str], folder: Path) -> tuple[int, str]:
    """Run one job; return its exit code, and its last words if that is not 0."""
    every = commands(folder / str(number % 64))
    (folder / str(number % 64)).mkdir(exist_ok=True)
    for command in every if number < 64 else [every[number % len(every)]]:
        done = subprocess.run(
            [sys.executable, *prefix, *command], capture_output=True, text=True, timeout=600
        )
        if done.returncode:
            return done.returncode, done.stderr[-300:]
    return 0, ""


def count(jobs: int, at_a_time: int, prefix: list[str]) -> collections.Counter[int]:
    codes: collections.Counter[int] = collections.Counter()
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ThreadPoolExecutor(at_a_time) as pool,
    ):
        running = [pool.submit(ended, k, prefix, Path(name)) for k in range(jobs)]
        for future in concurrent.futures.as_completed(running):
            code, words = future.result()
            codes[code] += 1
            if code:
                print(f"exit code {code}: {words}", file=sys.stderr)
    return codes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=5000, help="of each kind: %(default)s")
    parser.add_argument("--at-a-time", type=int, default=16, help="%(default)s")
    parser.add_argument("--load", type=int, default=4, help="processes that spin: %(default)s")
    arguments = parser.parse_args()
    load = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(arguments.load)]
    try:
        for kind, prefix in (("with the change", []), ("without it", ["-c", WITHOUT])):
            began = time.monotonic()
            codes = count(arguments.jobs, arguments.at_a_time, prefix)
            shown = ", ".join(f"{number} ended with {code}" for code, number in codes.items())
            seconds = time.monotonic() - began
            print(f"{kind}: {arguments.jobs} jobs in {seconds:.0f} s: {shown}", flush=True)
    finally:
        for process in load:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()

"""How programs end on a busy machine: many short jobs, several at a time, and their exit codes.

A library's thread that still waits can abort a process after its last line (docs/measured of the
fault: `src/fourlenses/core/process_exit.py`). Each kind of end is counted, with the project's end
of a process and without it.

    .venv/bin/python benchmarks/process_ends.py --jobs 5000 --at-a-time 16
    .venv/bin/python benchmarks/process_ends.py --jobs 5000 --forked

With --forked the jobs are forks of one process that has imported the programs and used no thread of
theirs. They start the libraries' threads and end as any process does, and need a tenth of the time.
"""

import argparse
import collections
import concurrent.futures
import importlib
import json
import os
import runpy
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
FOLDERS = 64


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
    every = commands(folder / str(number % FOLDERS))
    (folder / str(number % FOLDERS)).mkdir(exist_ok=True)
    for command in every if number < FOLDERS else [every[number % len(every)]]:
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


def count_forks(jobs: int, at_a_time: int, prefix: list[str]) -> collections.Counter[int]:
    """As `count`; ``prefix`` says only whether the project's end of a process is left out."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, __file__, "--serve", name, "--jobs", str(jobs)]
        command += ["--at-a-time", str(at_a_time), *(["--without"] if prefix else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return collections.Counter({int(code): n for code, n in json.loads(done.stdout).items()})


def serve(folder: Path, *, jobs: int, at_a_time: int, without: bool) -> None:
    """Run jobs as forks of this process and print their exit codes.

    Returns in each fork too, which then ends as any process does.
    """
    sys.path.insert(0, str(ROOT / "workflow_scripts"))
    programs = [Path(command[0]).stem for command in commands(folder)]
    for name in (*programs, "pyarrow.parquet", "pandas", "torch", "ffcv.writer"):
        importlib.import_module(name)
    if without:
        from fourlenses.core import cli, process_exit

        process_exit.without_destructors = lambda run: run
        importlib.reload(cli)
    codes: collections.Counter[int] = collections.Counter()
    running: dict[int, Path] = {}
    for number in range(jobs):
        # the first job of each folder makes what the others read
        most = at_a_time if number != FOLDERS else 1
        while len(running) >= most:
            _wait_for_one(running, codes)
        place, words = folder / str(number % FOLDERS), folder / f"words{number}"
        place.mkdir(exist_ok=True)
        every = commands(place)
        command = every[number // FOLDERS % len(every)]
        pid = os.fork()
        if pid == 0:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(os.open(words, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
            sys.argv = command
            runpy.run_path(command[0], run_name="__main__")
            return
        running[pid] = words
    while running:
        _wait_for_one(running, codes)
    print(json.dumps(codes))


def _wait_for_one(running: dict[int, Path], codes: collections.Counter[int]) -> None:
    pid, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    codes[code] += 1
    words = running.pop(pid)
    if code:
        print(f"exit code {code}: {words.read_text()[-300:]}", file=sys.stderr)
    words.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=5000, help="of each kind: %(default)s")
    parser.add_argument("--at-a-time", type=int, default=16, help="%(default)s")
    parser.add_argument("--load", type=int, default=4, help="processes that spin: %(default)s")
    parser.add_argument("--forked", action="store_true", help="jobs are forks of one process")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--without", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    jobs, at_a_time = arguments.jobs, arguments.at_a_time
    if arguments.serve:
        serve(arguments.serve, jobs=jobs, at_a_time=at_a_time, without=arguments.without)
        return
    load = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(arguments.load)]
    try:
        for kind, prefix in (("with the change", []), ("without it", ["-c", WITHOUT])):
            began = time.monotonic()
            codes = (count_forks if arguments.forked else count)(jobs, at_a_time, prefix)
            shown = ", ".join(f"{number} ended with {code}" for code, number in codes.items())
            seconds = time.monotonic() - began
            print(f"{kind}: {jobs} jobs in {seconds:.0f} s: {shown}", flush=True)
    finally:
        for process in load:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()

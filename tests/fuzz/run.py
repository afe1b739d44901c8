"""Mutated files of every kind that comes from elsewhere, and how reading each of them ended.

    python -m tests.fuzz.run --files 2000
    python -m tests.fuzz.run --kinds weights --first 1234 --files 1      # one file again

A file is read, refused with a sentence, or a defect: another exception, a crash of the process,
more memory than the limit, no end within the patience, a file written elsewhere, code run.
"""

import argparse
import collections
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import KINDS

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds for a file; the machine may be busy
START = 900.0  # seconds for a process to start


@dataclass
class Counts:
    """How the files of a kind ended. defects: number of the file and what happened."""

    ends: collections.Counter[str] = field(default_factory=collections.Counter)
    defects: list[str] = field(default_factory=list)

    def add(self, number: int, end: str, words: str = "") -> None:
        self.ends[end] += 1
        if end not in ("read", "refused"):
            self.defects.append(f"file {number}: {end} {words}".strip())


def fuzz(kind: str, *, seed: int, first: int, files: int, patience: float = PATIENCE) -> Counts:
    """Read mutated files in processes; a new one goes on after a file at which one died."""
    counts, number = Counts(), first
    while number < first + files:
        with tempfile.TemporaryDirectory(prefix="fourlenses-fuzz-") as folder:
            number = _process(kind, seed, number, first + files, folder, counts, patience)
    return counts


def _process(
    kind: str, seed: int, number: int, end: int, folder: str, counts: Counts, patience: float
) -> int:
    """Run one worker from a file on; return the number of the next file."""
    order = [kind, str(seed), str(number), str(end - number), folder]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.worker", *order],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    errors: collections.deque[str] = collections.deque(maxlen=40)
    threads = [
        threading.Thread(target=lambda: [lines.put(line) for line in (*process.stdout, "")]),
        threading.Thread(target=lambda: errors.extend(process.stderr)),
    ]
    for thread in threads:
        thread.start()
    begun, wait = None, START
    try:
        while True:
            word, _, rest = lines.get(timeout=wait).rstrip("\n").partition(" ")
            wait = patience
            if word == "begin":
                begun = int(rest)
            elif word == "end":
                said = rest.partition(" ")[2]
                counts.add(number, *said.split(" ", 1))
                begun, number = None, number + 1
            elif word == "finished":
                return number
            elif word == "":
                code = process.wait()
                assert begun is not None, f"{kind}: {''.join(errors)}"
                counts.add(begun, "crash", f"exit code {code} {' '.join(errors)[-300:]}")
                return begun + 1
    except queue.Empty:
        assert begun is not None, f"{kind}: the process did not start in {wait:g} s"
        counts.add(begun, "hang", f"no end within {patience:g} s")
        return begun + 1
    finally:
        process.kill()
        process.wait()
        for thread in threads:
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1000, help="of each kind: %(default)s")
    parser.add_argument("--first", type=int, default=0, help="number of the first: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="%(default)s")
    parser.add_argument("--kinds", nargs="+", default=sorted(KINDS), choices=sorted(KINDS))
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds: %(default)s")
    arguments = parser.parse_args()
    failed = False
    for kind in arguments.kinds:
        began = time.monotonic()
        counts = fuzz(
            kind,
            seed=arguments.seed,
            first=arguments.first,
            files=arguments.files,
            patience=arguments.patience,
        )
        ends = ", ".join(f"{count} {end}" for end, count in sorted(counts.ends.items()))
        print(f"{kind}: {arguments.files} files, {ends} ({time.monotonic() - began:.0f} s)")
        for line in counts.defects[:50]:
            print(f"  {line}")
        sys.stdout.flush()
        failed = failed or bool(counts.defects)
    sys.exit(failed)


if __name__ == "__main__":
    main()

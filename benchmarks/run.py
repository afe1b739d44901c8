"""Measure fourlenses and what people would use instead, in turns on the same cores.

Prints ratios as they come; writes every rate. Each row of the table below is a separate process,
so that no library's threads get into another's way:

    input      two SimCLR views at 224 px from JPEGs: FFCV, torchvision on PIL and on tensors,
               lightly, kornia
    resident   two views at 32 and 64 px from memory: the same
    writing    betons from image files: FFCV's DatasetWriter
    step       a SimCLR step and an epoch, ResNet-18 at 32 px and ResNet-50 at 224 px: lightly's
               components in a plain loop
    linear     linear classifiers, label sizes x strengths x draws: scikit-learn
    features   of a frozen encoder: a plain torch loop over a DataLoader
    knn        nearest neighbours: lightly, scikit-learn
    dag        building the graph of 100, 1,000 and 10,000 jobs, and of studies/paper.yaml: a
               trivial Snakefile
    lenses     figures, findings and report from the committed table
    startup    from the start of a job to its first training step: `import torch`, FFCV's Loader to
               its first batch
    disk       bytes of five pretraining sizes: a beton each

`render.py` writes docs/measured/benchmarks from the results. A median is of the rounds; a ratio
is taken in each round, its spread is over them.
"""

import argparse
import contextlib
import datetime
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from timing import ratio_words, verdict

HERE = Path(__file__).parent
# A training has one compute thread as a rule (config key torch_threads): what is computed in it or
# next to it is measured on one core.
ROWS = {
    "input": ("streaming", None),
    "resident": ("resident", 1),
    "writing": ("writing", None),
    "step": ("step", None),
    "linear": ("linear", 1),
    "features": ("features", None),
    "knn": ("neighbours", None),
    "dag": ("dag", None),
    "lenses": ("lenses", None),
    "startup": ("startup", None),
    "disk": ("disk", None),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of every contestant (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="least length of a turn (%(default)s)"
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument(
        "--cores",
        type=int,
        default=cores,
        help="threads or worker processes of each contestant (here %(default)s)",
    )
    parser.add_argument(
        "--only", nargs="+", choices=ROWS, metavar="ROW", help="some of the rows above"
    )
    parser.add_argument(
        "--scaling",
        action="store_true",
        help="instead: speed and memory over images, classes, batch, workers, processes, jobs, "
        "rows of tables",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="where the JSON goes; benchmarks/results/cpu/<date>.json without it",
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        for row in _part(arguments):
            print(json.dumps(row), flush=True)
        return
    from machine import machine

    stem = f"{datetime.date.today()}-scaling" if arguments.scaling else f"{datetime.date.today()}"
    output = arguments.output or HERE / "results" / "cpu" / f"{stem}.json"
    settings = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    head, table, failed = {"machine": machine(arguments.cores), "settings": settings}, [], {}
    with contextlib.suppress(KeyboardInterrupt):
        for name in ["scaling"] if arguments.scaling else arguments.only or ROWS:
            began = time.perf_counter()
            try:
                for row in _rows(name, arguments):
                    print(sentence(row), flush=True)
                    table.append({"row": name, **row})
                    write(output, {**head, "rows": table})
            except RuntimeError as error:
                failed[name] = str(error)
                print(f"{name} FAILED: {error}", flush=True)
            print(f"-- {name}: {time.perf_counter() - began:.0f} s", flush=True)
    if table:
        print(f"written to {output}")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def _rows(name: str, arguments: argparse.Namespace) -> Iterator[dict]:
    """The rows of a part, as its process prints them."""
    command = [
        sys.executable,
        __file__,
        "--part",
        name,
        "--rounds",
        str(arguments.rounds),
        "--seconds",
        str(arguments.seconds),
    ]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*command, "--cores", str(arguments.cores)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            for line in process.stdout:
                if line.startswith('{"what"'):  # a library may print too
                    yield json.loads(line)
        finally:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.terminate()
            process.wait()
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"exit code {process.returncode}\n{errors.read()[-3000:]}")


def _part(arguments: argparse.Namespace) -> Iterator[dict]:
    module, cores = ROWS.get(arguments.part, (arguments.part, None))
    yield from importlib.import_module(module).measure(
        arguments.rounds, arguments.seconds, cores or arguments.cores
    )


def write(output: Path, content: dict) -> None:
    """Whole or not at all, and after every row: what was measured until an interruption is kept."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(output)


def sentence(row: dict) -> str:
    line = f"{row['what']:58s} {row['who']:34s} {row['rate']:12,.5g} {row['unit']}"
    if "ours_over_it" in row:
        line += f"   ours is {ratio_words(row)}"
    if "share" in row:
        line += f"   {row['share']:.0%} of {row['bound']:,.4g}: {row['bound_what']}"
    if outcome := verdict(row):
        line += (
            f", bar {row['bar']}x: {outcome}"
            if row.get("bar")
            else f", at most {row['at_most']} {row['unit']}: {outcome}"
        )
    return line


if __name__ == "__main__":
    main()

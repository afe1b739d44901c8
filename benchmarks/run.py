"""Measure fourlenses beside what people would use instead, in one run on the same cores: prints ratios, writes every rate as JSON."""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

import torch

HERE = Path(__file__).parent
PEERS = ("torch", "torchvision", "ffcv", "lightly", "kornia", "pillow", "numpy", "numba", "scikit-learn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contestant")
    parser.add_argument("--seconds", type=float, default=4.0, help="least length of a turn")
    parser.add_argument(
        "--cores", type=int, default=len(os.sched_getaffinity(0)), help="threads or worker processes of each contestant of streaming"
    )
    parser.add_argument("--only", nargs="*", choices=["streaming", "resident", "step", "linear"], help="some of the benches")
    parser.add_argument("--output", type=Path, help="where the JSON goes; benchmarks/results/<device>/<date>.json without it")
    arguments = parser.parse_args()
    import linear
    import resident
    import step
    import streaming

    benches = {"streaming": streaming.measure, "resident": resident.measure, "step": step.measure, "linear": linear.measure}
    # A run has one compute thread as a rule (config key torch_threads): what is computed beside it or in it is measured on one core.
    cores = {"streaming": arguments.cores, "resident": 1, "step": 1, "linear": 1}
    table = []
    for name in arguments.only or benches:
        for row in benches[name](arguments.rounds, arguments.seconds, cores[name]):
            print(sentence(row), flush=True)
            table.append(row)
    output = arguments.output or HERE / "results" / "cpu" / f"{datetime.date.today()}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"machine": machine(arguments.cores), "rows": table}, indent=1) + "\n")
    print(f"written to {output}")


def sentence(row: dict) -> str:
    line = f"{row['what']:44s} {row['who']:34s} {row['rate']:10.0f} {row['unit']}"
    if "ours_over_it" in row:
        line += f"   ours is {row['ours_over_it']:.2f}x ({row['least']:.2f} to {row['most']:.2f})"
    if row.get("bar"):
        line += f", bar {row['bar']}x: {'met' if row['ours_over_it'] >= row['bar'] else 'MISSED'}"
    return line


def machine(cores: int) -> dict:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ""
    )
    commit = subprocess.run(["git", "-C", str(HERE), "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    versions = {name: importlib.metadata.version(name) for name in PEERS}
    return {"processor": model, "cores": cores, "python": platform.python_version(), "versions": versions, "commit": commit,
            "cuda": torch.version.cuda if torch.cuda.is_available() else None}  # fmt: skip


if __name__ == "__main__":
    main()

"""Measure training steps, views and evaluation on this machine's GPU, with public peers.

Every row is written as JSON as soon as it is there. Ours needs the project's own requirements
alone; the peers' rows need lightly and kornia, and are left out without them.
"""

import argparse
import datetime
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # next to this file, and what the CPU's bench shares

import evaluation  # noqa: E402
import graphs  # noqa: E402
import steps  # noqa: E402
import views  # noqa: E402
from machine import machine  # noqa: E402

PARTS = ("views", "steps", "peers", "graphs", "largest", "linear", "knn", "compiled", "linear10k")
SMALL = (("resnet_small", 32, 32, (16,)),)  # for a rehearsal on a CPU


def config_of(backbone: str, image_size: int, stored_size: int) -> dict:
    from fourlenses.config.check import check_config
    from fourlenses.config.methods import complete_methods
    from fourlenses.config.yaml_files import read_yaml

    root = HERE.parents[1]
    config = read_yaml(root / "config.yaml")
    config |= {"backbone": backbone, "image_size": image_size, "stored_size": stored_size}
    config["methods"] = {name: {} for name in (*steps.METHODS, "random")}
    check_config(config, root / "schemas" / "config.schema.yaml", [root / "config.yaml"])
    complete_methods(config, root / "presets", [root / "config.yaml"])
    return config


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of every contestant (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="least length of a turn (%(default)s)"
    )
    parser.add_argument(
        "--device", default="cuda", help="%(default)s; cpu rehearses everything in little"
    )
    parser.add_argument(
        "--stop-after",
        type=float,
        default=1e9,
        help="begin no part after this many seconds",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"some of the parts: {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="where the JSON goes; benchmarks/results/gpu/<date>.json without it",
    )
    arguments = parser.parse_args()
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error(
            f"torch {torch.__version__} sees no GPU here; --device cpu rehearses the measurement"
        )
    return arguments


def parts_of(device: torch.device, rounds: int, seconds: float) -> dict[str, Callable[[], list]]:
    """The parts of the measurement by name, in little on a CPU."""
    real = device.type == "cuda"
    settings = steps.SETTINGS if real else SMALL
    timed = {"rounds": rounds, "seconds": seconds, "device": device}
    million, width = (1_000_000, 2048) if real else (2_000, 32)
    many = {"count": million, "width": width, "device": device}
    return {
        "views": lambda: views.measure(rounds, device, views.SETTINGS if real else ((32, 32, 16),)),
        "steps": lambda: steps.measure(config_of, settings=settings, **timed),
        "peers": lambda: steps.peers(config_of, settings=settings, **timed),
        "graphs": lambda: graphs.measure(
            config_of, settings=graphs.SETTINGS if real else SMALL, **timed
        ),
        "largest": lambda: steps.largest_batch(config_of, device) if real else [],
        "linear": lambda: [
            evaluation.linear(classes=1000 if real else 10, l2=evaluation.L2, **many)
        ],
        "knn": lambda: [
            evaluation.neighbours(
                classes=1000 if real else 10, tests=10_000 if real else 100, **many
            )
        ],
        "compiled": lambda: steps.compiled(config_of, **timed) if real else [],
        # the whole grid would take ten times as long as with a thousand
        "linear10k": lambda: [
            evaluation.linear(classes=10_000 if real else 20, l2=[0.001], **many)
        ],
    }


def main() -> None:
    arguments = parse_arguments()
    logging.basicConfig(level=logging.WARNING)  # why a step was not recorded
    device = torch.device(arguments.device)
    parts = parts_of(device, arguments.rounds, arguments.seconds)
    output = arguments.output or HERE.parent / "results" / "gpu" / f"{datetime.date.today()}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    bounds = {
        "copy_bytes_per_second": views.copy_bandwidth(device),
        "bfloat16_operations_per_second": views.matrix_rate(device),
    }
    record = {"machine": machine(len(os.sched_getaffinity(0))) | bounds, "rows": [], "failed": {}}
    began = time.perf_counter()
    for name in arguments.only or parts:
        if time.perf_counter() - began > arguments.stop_after:
            record["failed"][name] = "no time left"
            continue
        at = time.perf_counter()
        try:
            record["rows"] += [{"row": name, **row} for row in parts[name]()]
        # one part that fails must not cost the others their time on a scarce machine
        except Exception as error:
            traceback.print_exc()
            record["failed"][name] = f"{type(error).__name__}: {error}"
        steps.free(device)
        print(f"-- {name}: {time.perf_counter() - at:.0f} s", flush=True)
        output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written to {output}")


if __name__ == "__main__":
    main()

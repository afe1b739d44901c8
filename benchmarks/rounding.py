"""How far one training ends from itself where sums are rounded otherwise, next to other seeds.

Another processor picks other instructions, which add in another order; training amplifies the last
bits. Here one machine does it: SimCLR on the same images and seed, with another number of threads,
and with the libraries held to narrower instructions, each in a separate process. A linear
classifier on frozen features is scored.

    python benchmarks/rounding.py --dataset data/eurosat --classes 10 --held-out 120
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

# What differs from the first run, which all others of its seed are compared with.
VARIANTS: dict[str, dict[str, str]] = {
    "as it is": {},
    "again": {},
    "oneDNN up to AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "torch's own kernels up to AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "all three up to AVX2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "2 threads": {"THREADS": "2"},  # last: slow where other programs run
}
FIRST, AGAIN = "as it is", "again"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, required=True, help="a folder under data/")
    parser.add_argument("--beton", default="48px/clean.beton", help="its beton")
    parser.add_argument("--classes", type=int, default=10, help="use the first N classes")
    parser.add_argument("--held-out", type=int, default=120, help="test images of each class")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of the first run")
    parser.add_argument("--output", type=Path, help="JSON with every number")
    parser.add_argument("--one", type=int, help="train and print one seed (what each process does)")
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(trained(arguments, arguments.one)))
        return
    runs = [(FIRST, seed) for seed in arguments.seeds]
    runs += [(name, arguments.seeds[0]) for name in VARIANTS if name != FIRST]
    numbers: list[dict] = []
    for name, seed in runs:
        numbers.append(measured(name, seed))
        if arguments.output:  # what is measured is kept, should the next be interrupted
            write(numbers, arguments)
    print(json.dumps(summed_up(numbers), indent=1))


def write(numbers: list[dict], arguments: argparse.Namespace) -> None:
    from machine import machine

    record = {
        "machine": machine(1),
        "settings": {key: str(value) for key, value in vars(arguments).items() if key != "one"},
        "numbers": numbers,
        "summary": summed_up(numbers),
    }
    arguments.output.write_text(json.dumps(record, indent=1) + "\n")


def measured(name: str, seed: int) -> dict:
    """Train in a process with a variant's environment."""
    command = [sys.executable, *sys.argv, "--one", str(seed)]
    environment = {**os.environ, **VARIANTS[name]}
    result = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    number = {"variant": name, "seed": seed, **json.loads(result.stdout.splitlines()[-1])}
    print(f"{name}, seed {seed}: {number['top1']:.2f} %", file=sys.stderr, flush=True)
    return number


def trained(arguments: argparse.Namespace, seed: int) -> dict:
    """Top-1 (percent), and the sum of the weights' absolute values, all digits."""
    import torch
    from against_lightly import Training, evaluated, load, ours

    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    train, test, levels = load(arguments)
    training = Training("resnet_small", arguments.batch, arguments.steps, peak=0.12)
    encoder = ours(train, training, seed)
    weights = sum(float(weight.detach().double().abs().sum()) for weight in encoder.parameters())
    scores = evaluated(encoder, train, test, levels=levels, seed=seed)
    return {"top1": scores.top1, "tests": len(test.labels), "weights": weights}


def summed_up(numbers: list[dict]) -> dict:
    """Standard deviations in points: over seeds, and over roundings of one seed.

    Args:
        numbers: of `measured`, the first seed's first run first.
    """
    first = numbers[0]
    over_seeds = [number["top1"] for number in numbers if number["variant"] == FIRST]
    again = [number for number in numbers if number["variant"] == AGAIN]
    others = [number for number in numbers if number["variant"] not in (FIRST, AGAIN)]
    changed = [number for number in others if number["weights"] != first["weights"]]
    over_roundings = [first["top1"], *(number["top1"] for number in changed)]
    return {
        "again_has_the_same_bits": again[0]["weights"] == first["weights"] if again else None,
        "variants_that_round_otherwise": [number["variant"] for number in changed],
        "sd_over_seeds": statistics.stdev(over_seeds) if len(over_seeds) > 1 else None,
        "sd_over_roundings": statistics.stdev(over_roundings) if changed else None,
        "largest_difference": max(
            (abs(number["top1"] - first["top1"]) for number in changed), default=0.0
        ),
    }


if __name__ == "__main__":
    main()

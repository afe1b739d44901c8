"""Growth of findings and figures with the rows of metrics.csv.

The committed table of one study, once for each of more label sizes, protocols, methods and seeds,
with other accuracies: 1,000 to 100,000 rows. Each point is a separate process, on one core.

    python benchmarks/table_rows.py --rows 100000 --profile     # what its seconds go to
"""

import argparse
import cProfile
import csv
import itertools
import json
import os
import pstats
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "results/real_quick/metrics.csv"
ROWS = (1_000, 10_000, 100_000)
METHODS = ("simclr", "moco", "byol", "barlow_twins", "vicreg", "simsiam", "lejepa")
PROTOCOLS = ("linear", "knn", "fine_tune")
SEEDS = 10
# of the labels that the committed table has: with a thousand of them also 1,007, 1,014, ...
MORE_LABELS = range(7)
FIGURES = ("quantity", "domain", "quality", "granularity", "methods", "protocols", "published")


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    for what in ("findings", "figures"):
        for count in ROWS:
            result = subprocess.run(
                [sys.executable, __file__, "--rows", str(count), "--what", what],
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            )
            if result.returncode:
                raise RuntimeError(f"{what}, {count} rows failed:\n{result.stderr[-3000:]}")
            yield {
                "what": f"{what} of a table",
                "who": f"rows: {count:,}",
                "axis": "rows of metrics.csv",
                "x": count,
                "unit": "rows/s",
                **json.loads(result.stdout.splitlines()[-1]),
            }


def write_table(path: Path, rows: int) -> int:
    """Write a metrics.csv of about so many rows; return how many it has."""
    with open(TABLE, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns, known = reader.fieldnames, list(reader)
    assert columns is not None
    choices = itertools.product(MORE_LABELS, PROTOCOLS, METHODS, range(SEEDS))
    written: dict[tuple, dict[str, str]] = {}
    draw = random.Random(0)
    for labels, protocol, method, seed in choices:
        for row in known:
            if len(written) >= rows:
                break
            new = variant(row, labels, protocol=protocol, method=method, seed=seed, draw=draw)
            key = (*(new[name] for name in ("run", "target", "level", "labelled_images")),)
            written[(*key, new["protocol"])] = new
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(written.values())
    return len(written)


def variant(
    row: dict[str, str], labels: int, *, protocol: str, method: str, seed: int, draw: random.Random
) -> dict[str, str]:
    """Return a row of another seed and, where it is of the study's own pretraining, method."""
    new = dict(row)
    if row["method"] == "simclr":
        new["method"] = method
    if row["protocol"] == "linear":
        new["protocol"] = protocol
    new["seed"] = str(seed)
    new["labelled_images"] = str(int(row["labelled_images"]) + labels * 7)
    new["run"] = f"{new['method']}/{row['source']}/seed{seed}"
    shift = draw.gauss(0, 0.5)
    for name in ("top1", "top1_low", "top1_high"):
        new[name] = f"{min(99.0, max(0.1, float(row[name]) + shift)):.4f}"
    return new


def findings(table: Path, folder: Path) -> None:
    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.table import read_metrics
    from fourlenses.findings import write
    from fourlenses.findings.setting import study_setting
    from fourlenses.findings.thresholds import Thresholds
    from fourlenses.lenses import conclusions

    thresholds = Thresholds()
    evidence = Evidence.of(read_metrics(table), thresholds.seed_sd)
    judged = conclusions.evaluate(evidence, thresholds)
    write.findings(judged, folder / "findings.json", study_setting(evidence))
    write.cards(conclusions.cards(evidence, thresholds), folder / "decision.json")


def figures(table: Path, folder: Path) -> None:
    from fourlenses.analysis.contrasts import Evidence
    from fourlenses.analysis.table import read_metrics
    from fourlenses.findings.thresholds import Thresholds
    from fourlenses.lenses import registry
    from fourlenses.plotting import look
    from fourlenses.plotting.save import save

    for name in FIGURES:
        evidence = Evidence.of(read_metrics(table))
        with look.using(look.Look.of({})):
            began = time.perf_counter()
            figure, numbers = registry.draw(name, evidence, thresholds=Thresholds())
            save(figure, numbers, folder / name)
            print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--what", choices=("findings", "figures"), default="findings")
    parser.add_argument("--profile", action="store_true", help="by cProfile, the 40 slowest")
    arguments = parser.parse_args()
    work = {"findings": findings, "figures": figures}[arguments.what]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_table(folder / "metrics.csv", arguments.rows)
        began, profile = time.perf_counter(), cProfile.Profile()
        if arguments.profile:
            profile.runcall(work, folder / "metrics.csv", folder)
            pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(40)
        else:
            work(folder / "metrics.csv", folder)
        elapsed = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"rate": count / elapsed, "seconds": elapsed, "rows": count, "peak_memory_mb": memory}
        )
    )


if __name__ == "__main__":
    main()

"""Seconds from the start of a pretraining job to the gradients of its first step.

And how much of them is others':

    ours            workflow_scripts/pretrain.py as Snakemake calls it: SimCLR, resnet_small, 1,000
                    images of 32 px, in memory or streamed; it ends itself when the first step's
                    gradients are there. Nothing of ours is compiled by numba, so no cache of it can
                    be cold
    import torch    `python -c 'import torch'`, which no training with it can do without
    ffcv            imports, its Loader with two pipelines, first batch of the same beton. It
                    compiles them each time: it does not use numba's cache, so cold and warm are the
                    same

Each turn is a fresh process, its time from before its start to its end. The first job ever is one
with Python's cache of compiled modules empty, as after an installation; it is measured once.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from timing import bounded, clock, durations

ROOT = Path(__file__).resolve().parents[1]
IMAGES, SIZE = 1_000, 32

# A job that ends after its first gradients; nothing else of it is changed.
UNTIL_FIRST_STEP = """
import os, runpy, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import builtins
original_import = builtins.__import__
def watched(name, *rest, **keywords):
    module = original_import(name, *rest, **keywords)
    step = sys.modules.get("fourlenses.training.step.plain")
    if step is not None and hasattr(step, "Step") and not hasattr(step, "first_step_ends"):
        inner, step.first_step_ends = step.add_gradients, True
        def once(*arguments, **named):
            inner(*arguments, **named)
            os._exit(0)
        step.add_gradients = once
        builtins.__import__ = original_import
    return module
builtins.__import__ = watched
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
sys.exit("the job ended without a step")
"""

FIRST_BATCH = """
import sys
import torch
from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.pipeline import PipelineSpec
from ffcv.transforms import RandomHorizontalFlip, ToTensor
def pipeline():
    decoder = RandomResizedCropRGBImageDecoder((32, 32))
    return PipelineSpec("image", decoder=decoder, transforms=[RandomHorizontalFlip(), ToTensor()])
pipelines = {"image": None, "label": None, "index": None, "first": pipeline(), "second": pipeline()}
settings = {"batch_size": 128, "num_workers": 1, "os_cache": True, "order": OrderOption.RANDOM}
loader = Loader(sys.argv[1], pipelines=pipelines, **settings)
next(iter(loader))
import os
os._exit(0)
"""


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        beton, subset = prepare(folder)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        # compiled modules stay, unless this variable forbids it
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        counted = itertools.count()

        def job(kind: str, **cache: str) -> float:
            settings = arguments(folder / str(next(counted)), beton=beton, subset=subset, kind=kind)
            return to_first_step(settings, environment | cache)

        def importing(**cache: str) -> float:
            return run_once(["-c", "import torch"], environment | cache)

        contestants = {
            "ours": lambda: job("resident"),
            "ours, streaming": lambda: job("streaming"),
            "import torch": importing,
            "ffcv, Loader to its first batch": lambda: run_once(
                ["-c", FIRST_BATCH, str(beton)], environment
            ),
        }
        for work in contestants.values():
            work()
        table = durations("start-up, to the first training step", clock(contestants, rounds))
        torch_alone = next(row["rate"] for row in table if row["who"] == "import torch")
        yield bounded(table[0], torch_alone, "`import torch` alone")
        yield from table[1:]
        first = {
            "ours": lambda: job("resident", PYTHONPYCACHEPREFIX=str(folder / "first job")),
            "import torch": lambda: importing(PYTHONPYCACHEPREFIX=str(folder / "first import")),
        }
        yield from durations("start-up of the first job ever", clock(first, 1))


def to_first_step(settings: list[str], environment: dict[str, str]) -> float:
    """Seconds of a job of workflow_scripts/pretrain.py with these arguments to its first step.

    Raises:
        RuntimeError: it ended without one.
    """
    script = str(ROOT / "workflow_scripts" / "pretrain.py")
    return run_once(["-c", UNTIL_FIRST_STEP, script, *settings], environment)


def prepare(folder: Path) -> tuple[Path, Path]:
    """A beton of raw pixels, and its rows."""
    from fourlenses.data.beton.writer import BetonWriter

    beton, subset, generator = (
        folder / "images.beton",
        folder / "rows.npy",
        np.random.default_rng(0),
    )
    writer = BetonWriter(beton, IMAGES)
    for row in range(IMAGES):
        writer.add(
            generator.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8),
            width=SIZE,
            height=SIZE,
            label=row % 10,
            index=row,
        )
    writer.close()
    np.save(subset, np.arange(IMAGES))
    return beton, subset


def arguments(output: Path, *, beton: Path, subset: Path, kind: str) -> list[str]:
    """Of pretrain.py, as the rule gives them, by the presets of the default study."""
    from fourlenses.config.job_settings import pretraining_settings
    from fourlenses.config.read import read_config

    config = read_config([])
    settings = pretraining_settings(config, method="simclr", source="bench-1000", seed=0)
    settings |= {"stored_size": SIZE, "image_size": SIZE}
    return [
        "--settings",
        json.dumps(settings),
        "--betons",
        str(beton),
        "--subsets",
        str(subset),
        "--datasets",
        "bench",
        "--output",
        str(output),
        "--checkpoints",
        str(output) + "-checkpoints",
        "--input",
        kind,
        "--workers",
        "1",
        "--device",
        "cpu",
    ]


def run_once(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of a Python process.

    Raises:
        RuntimeError: it fails.
    """
    began = time.perf_counter()
    result = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment
    )
    elapsed = time.perf_counter() - began
    if result.returncode:
        raise RuntimeError(f"exit code {result.returncode}:\n{result.stderr[-3000:]}")
    return elapsed

"""Growth of time and memory with images, classes, the batch, workers, processes, jobs and rows.

Each point is a separate process.

    images    two 32 px crops an image, streamed from a beton whose samples all point to the same
              1,000 JPEGs: 1,000 to 1,000,000 rows
    classes   a supervised step of resnet_small at 32 px, batch 128: 10 to 10,000
    batch     a SimCLR step of resnet_small at 32 px: 32 to 2,048
    workers   two 224 px crops an image from 500x375 JPEGs: 1 to twice the cores
    processes the SimCLR step of 512 images, shared by processes of one thread each (gloo): likewise
    jobs      a dry-run of a study of about 100 to 10,000 jobs (`dag.py`)
    rows      findings and figures of a metrics.csv of 1,000 to 100,000 rows (`table_rows.py`)

Peak memory is the process's largest, with torch's libraries and code (some 250 MB) in it; of
several processes that of the first.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dag
import numpy as np
import table_rows

IMAGES, CLASSES, BATCHES = (
    (1_000, 10_000, 100_000, 1_000_000),
    (10, 100, 1_000, 10_000),
    (32, 128, 512, 2_048),
)
TITLES = {
    "images": ("streamed crops, 32 px", "images in the dataset"),
    "classes": ("supervised step, 32 px", "classes"),
    "batch": ("SimCLR step, 32 px", "batch, images"),
    "workers": ("streamed crops, 224 px", "workers"),
    "processes": ("SimCLR step, batch 512", "processes"),
    "jobs": ("dry-run", "jobs"),
}
SHARED_BATCH = 512
SIMCLR = {
    "temperature": 0.2,
    "projection_hidden": 128,
    "projection_out": 64,
    "projection_layers": 2,
    "projection_last_norm": True,
}


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    workers = sorted({1, 2, cores, 2 * cores})
    for axis, values in (
        ("images", IMAGES),
        ("classes", CLASSES),
        ("batch", BATCHES),
        ("workers", workers),
        ("processes", workers),
        ("jobs", dag.JOBS),
    ):
        what, label = TITLES[axis]
        for x in values:
            command = [
                sys.executable,
                __file__,
                axis,
                str(x),
                "--seconds",
                str(seconds * rounds),
                "--cores",
                str(cores),
            ]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                raise RuntimeError(f"{axis} {x} failed:\n{result.stderr[-3000:]}")
            yield {
                "what": what,
                "who": f"{label}: {x:,}",
                "axis": label,
                "x": x,
                "unit": "jobs/s" if axis == "jobs" else "images/s",
                **json.loads(result.stdout.splitlines()[-1]),
            }
    yield from table_rows.measure(rounds, seconds, cores)


def images(count: int, cores: int, folder: Path) -> Callable[[], int]:
    from streaming import photograph

    beton = folder / "x.beton"
    aliased(
        beton, [photograph(seed, width=36, height=36) for seed in range(48)], side=36, count=count
    )
    return crops(beton, count=count, stored=36, size=32, workers=cores)


def workers(count: int, cores: int, folder: Path) -> Callable[[], int]:
    from streaming import SIZES, write

    write(folder / "x.beton", *SIZES["500x375"])
    return crops(folder / "x.beton", count=2048, stored=375, size=224, workers=count)


def crops(beton: Path, *, count: int, stored: int, size: int, workers: int) -> Callable[[], int]:
    """Batches of 256 in an order drawn as training draws it, a call a few of them."""
    import torch

    from fourlenses.data.augment.augment import Augment
    from fourlenses.data.augment.augmentation import Augmentation
    from fourlenses.data.loading.streaming import StreamingInput
    from fourlenses.training.sampling import Stream

    stream = Stream(count, 256, 0)
    source = StreamingInput(
        [(beton, np.arange(count), "x")],
        stored,
        [Augment(Augmentation(), size, 0)] * 2,
        device=torch.device("cpu"),
        workers=workers,
    )
    batches = source.crops(stream.batch(step) for step in range(10**9))
    return lambda: len(next(batches)[0][0])


def aliased(path: Path, pictures: list[bytes], *, side: int, count: int) -> None:
    """A beton of ``count`` samples, many of which share one place in the file.

    It takes no more room than its distinct pictures and its tables.
    """
    from fourlenses.data.beton.reader import ALLOCATION, HEADER, METADATA_START, SAMPLE
    from fourlenses.data.beton.writer import BetonWriter

    writer = BetonWriter(path, count)  # the capacity leaves room for the samples' table
    for row, picture in enumerate(pictures):
        writer.add(picture, width=side, height=side, label=row % 10, index=row)
    writer.close()
    with open(path, "r+b") as file:
        header = np.fromfile(path, HEADER, count=1)
        records = np.fromfile(path, SAMPLE, count=len(pictures), offset=METADATA_START)
        table = np.fromfile(
            path, ALLOCATION, count=len(pictures), offset=int(header["alloc_table_ptr"][0])
        )
        every = np.arange(count) % len(pictures)
        samples, places = records[every], table[every]
        samples["index"], places["sample_id"], header["num_samples"] = (
            np.arange(count),
            np.arange(count),
            count,
        )
        file.write(header.tobytes())
        file.seek(METADATA_START)
        file.write(samples.tobytes())
        file.seek(int(header["alloc_table_ptr"][0]))
        file.write(places.tobytes())


def classes(count: int, cores: int, folder: Path) -> Callable[[], int]:
    return training_step(
        "supervised", {"label_smoothing": 0.0}, batch=128, classes=count, cores=cores
    )


def batch(count: int, cores: int, folder: Path) -> Callable[[], int]:
    return training_step("simclr", SIMCLR, batch=count, classes=10, cores=cores)


def processes(count: int, cores: int, folder: Path) -> Callable[[], int]:
    return training_step("simclr", SIMCLR, batch=SHARED_BATCH, classes=10, cores=1)


def training_step(
    name: str, settings: dict, *, batch: int, classes: int, cores: int
) -> Callable[[], int]:
    import torch

    from fourlenses.methods import build_method, method_settings
    from fourlenses.methods.method import DataInfo
    from fourlenses.models.backbones import build_backbone
    from fourlenses.models.batch_norm import set_batch_norm
    from fourlenses.parallel.distributed import world_size
    from fourlenses.training.gradient_cache import add_gradients
    from fourlenses.training.optimizers.build import build_optimizer
    from fourlenses.training.step_config import StepConfig

    torch.set_num_threads(cores)
    encoder, width = build_backbone("resnet_small", 0)
    hyper = method_settings(name, settings)
    info = DataInfo(images=100 * classes, num_classes=classes, batch_size=batch, seed=0)
    method = build_method(name, encoder, width, settings=hyper, info=info)
    set_batch_norm(method, 1)
    method.to(memory_format=torch.channels_last)
    optimizer, engine = (
        build_optimizer("sgd", method, learning_rate=0.01, momentum=0.9, weight_decay=1e-4),
        StepConfig(torch.device("cpu")),
    )
    rows = batch // world_size()  # of this process
    views = engine.arrange([torch.rand(rows, 3, 32, 32) for _ in range(method.views_needed)])
    labels = torch.arange(batch) % classes

    def step() -> int:
        optimizer.zero_grad()
        add_gradients(method, views, labels, micro_batch=0, autocast=engine.autocast())
        optimizer.step()
        return batch

    return step


def main() -> None:
    parser = argparse.ArgumentParser(
        description="One point, for `measure`; the bench is `run.py --scaling`."
    )
    parser.add_argument("axis", choices=TITLES)
    parser.add_argument("x", type=int)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--cores", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        point = dry_run if arguments.axis == "jobs" else turns
        result = point(arguments, Path(folder))
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(result), flush=True)
    os._exit(0)  # its threads are in the middle of a batch


def turns(arguments: argparse.Namespace, folder: Path) -> dict:
    """Return the rate of a function that is called for some seconds."""
    import torch

    from fourlenses.parallel.distributed import all_reduce_max, joined_processes
    from fourlenses.parallel.launcher import launch

    if arguments.axis == "processes":
        launch(arguments.x)
    device = torch.device("cpu")
    with joined_processes(device):
        work = globals()[arguments.axis](arguments.x, arguments.cores, folder)
        work()
        units, began, over = 0, time.perf_counter(), 0
        while not over:  # processes stop after the same step
            units += work()
            over = all_reduce_max(int(time.perf_counter() - began >= arguments.seconds), device)
        rate = units / (time.perf_counter() - began)
    return {"rate": rate, "peak_memory_mb": peak_memory(resource.RUSAGE_SELF)}


def dry_run(arguments: argparse.Namespace, folder: Path) -> dict:
    """Return the jobs per second of one dry-run, and how many it has."""
    study = dag.overlay(folder, max(1, arguments.x // dag.JOBS_A_SEED))
    options = ["--snakefile", dag.ROOT / "Snakefile", "--configfile", study]
    elapsed, jobs = dag.dry_run(folder, options)
    memory = peak_memory(resource.RUSAGE_CHILDREN)
    return {"rate": jobs / elapsed, "seconds": elapsed, "x": jobs, "peak_memory_mb": memory}


def peak_memory(of: int) -> int:
    """Return the largest memory of this process or its children, MB."""
    return resource.getrusage(of).ru_maxrss >> 10


if __name__ == "__main__":
    main()

"""Images a second into a beton: our writer and FFCV's DatasetWriter.

From the same files, with as many workers. Three cases: small JPEGs that already fit; JPEGs of 500
px that fit; the same shrunk to a shortest side of 256 px (FFCV bounds the longest side, here by
the length that gives the same size). FFCV decodes and compresses in every case; ours copies what
fits. Both read a folder of files that is in the page cache, and write to the same disk; ours syncs
the file and reads some of it back before its time ends, FFCV's does neither. Each turn is a
process of its own, its time without imports; memory is its peak with its children's.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bounds import disk_rate
from timing import Rates, bounded, rows

WHO = {"fourlenses": "ours", "ffcv": "ffcv, DatasetWriter"}
# width and height of the files, shortest side in the beton, files a second of a turn, bar
CASES = {
    "fit, 64 px": ((64, 64), 64, 3000, 3.0),
    "fit, 500 px": ((500, 375), 375, 300, 3.0),
    "shrunk, 500 to 256 px": ((500, 375), 256, 300, 1.0),
}
DISTINCT = 60


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    """A row per case and writer.

    ``rounds`` turns, each of about ``seconds`` s for the slower writer.
    """
    with tempfile.TemporaryDirectory() as folder:
        written, drawn = disk_rate(Path(folder)), {}
        for case, (shape, side, files, bar) in CASES.items():
            if shape not in drawn:
                drawn[shape] = _draw(
                    Path(folder) / str(shape[0]),
                    width=shape[0],
                    height=shape[1],
                    count=max(200, int(files * seconds)),
                )
            images = drawn[shape]
            turns = {who: [] for who in WHO}
            for _ in range(rounds):
                for who in WHO:
                    turns[who].append(
                        _turn(who, images, side=side, cores=cores, output=Path(folder) / "x.beton")
                    )
            results = [Rates(WHO[who], [turn["rate"] for turn in turns[who]]) for who in WHO]
            table = rows(f"writing a beton: {case}", "images/s", results, bars={WHO["ffcv"]: bar})
            for row, each in zip(table, turns.values(), strict=True):
                row["peak_memory_mb"] = max(turn["peak_memory_mb"] for turn in each)
                row["cpu_us_per_image"] = statistics.median(
                    turn["cpu_us_per_image"] for turn in each
                )
                row["note"] = (
                    f"{row['who']}: {row['cpu_us_per_image']:,.0f} us of CPU an image, "
                    f"{row['peak_memory_mb']:,} MB at most."
                )
            first = turns["fourlenses"][0]
            yield bounded(
                table[0],
                written * first["images"] / first["bytes"],
                "its bytes written and synced as fast as this disk takes them",
            )
            yield table[1]


def _turn(who: str, images: Path, *, side: int, cores: int, output: Path) -> dict:
    command = [
        sys.executable,
        __file__,
        "--turn",
        who,
        "--images",
        images,
        "--side",
        side,
        "--cores",
        cores,
        "--output",
        output,
    ]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{who} failed:\n{result.stderr}")
    output.unlink()
    return json.loads(result.stdout.splitlines()[-1])


def _ours(images: Path, *, side: int, cores: int, output: Path) -> None:
    import torch  # noqa: F401 - of which FFCV imports much more, before its time starts too

    from fourlenses.data.conversion.convert import write_beton
    from fourlenses.data.sources import image_folder

    definition = {"source": "image_folder", "path": images.name, "test_fraction": 0.1}
    manifest = image_folder.index("bench", definition, images.parent)
    yield len(manifest)
    write_beton(
        "bench",
        definition,
        images.parent,
        manifest=manifest,
        variant="clean",
        size=side,
        max_undecodable=0.0,
        output=output,
        workers=cores,
    )


def _ffcvs(images: Path, *, side: int, cores: int, output: Path) -> None:
    from ffcv.fields import IntField, RGBImageField
    from ffcv.writer import DatasetWriter
    from PIL import Image

    class Folder:
        files = sorted(images.rglob("*.jpg"))

        def __len__(self) -> int:
            return len(self.files)

        def __getitem__(self, index: int) -> tuple:
            return Image.open(self.files[index]).convert("RGB"), 0, index

    width, height = Image.open(Folder.files[0]).size
    longest = round(max(width, height) * side / min(width, height))
    shrinks = {"max_resolution": longest} if side < min(width, height) else {}
    yield len(Folder.files)
    fields = {
        "image": RGBImageField(write_mode="jpg", **shrinks),
        "label": IntField(),
        "index": IntField(),
    }
    DatasetWriter(str(output), fields, num_workers=cores).from_indexed_dataset(Folder())


def _run_turn(who: str, images: Path, *, side: int, cores: int, output: Path) -> None:
    turn = {"fourlenses": _ours, "ffcv": _ffcvs}[who](images, side=side, cores=cores, output=output)
    count = next(turn)
    watch = _watch(output)
    began, used = time.perf_counter(), os.times()
    next(turn, None)
    elapsed = time.perf_counter() - began
    for worker in (
        multiprocessing.active_children()
    ):  # which FFCV leaves running, and the times of children count from their end
        worker.join()
    cpu = sum(os.times()[:4]) - sum(used[:4])
    row = {
        "rate": count / elapsed,
        "images": count,
        "peak_memory_mb": watch() >> 20,
        "bytes": output.stat().st_size,
    }
    print(json.dumps({**row, "cpu_us_per_image": 1e6 * cpu / count}))


def _watch(output: Path):
    """Starts to measure the memory of this process and its children, twice a second.

    The result ends it and gives the peak in bytes.
    """
    import threading

    import psutil

    peak, done, here = 0, threading.Event(), psutil.Process()

    def look() -> None:
        nonlocal peak
        while not done.wait(0.5):
            total = 0
            for process in (here, *here.children(recursive=True)):
                try:
                    total += process.memory_full_info().uss
                except psutil.Error:
                    continue
            peak = max(peak, total)

    thread = threading.Thread(target=look)
    thread.start()

    def stop() -> int:
        done.set()
        thread.join()
        return peak

    return stop


def _draw(folder: Path, *, width: int, height: int, count: int) -> Path:
    """JPEGs of quality 90 in class folders, as many bytes each as photographs of that size have."""
    from streaming import photograph

    distinct = [photograph(seed, width=width, height=height) for seed in range(DISTINCT)]
    for number in range(count):
        target = folder / f"class{number % 20}" / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(distinct[number % len(distinct)])
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description="One turn of one writer, for `measure`; the bench is `run.py --only writing`."
    )
    parser.add_argument("--turn", choices=WHO, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    _run_turn(
        arguments.turn,
        arguments.images,
        side=arguments.side,
        cores=arguments.cores,
        output=arguments.output,
    )


if __name__ == "__main__":
    main()

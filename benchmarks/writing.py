"""Images a second into a beton: our writer beside FFCV's own DatasetWriter, from the same files, with as many workers.

    python benchmarks/writing.py --tinyimagenet tinyimagenet.tar.gz

Three cases: small JPEGs that already fit; JPEGs of 500 px that fit; the same shrunk to a shortest side of 256 px (FFCV bounds the longest
side, here by the length that gives the same size). FFCV decodes and compresses in every case; ours copies what fits. Both read a folder of
files that is in the page cache, and write to the same disk. Each turn is a process of its own, and memory is its peak with its children's.
"""

import argparse
import io
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

WHO = ("fourlenses", "ffcv")
BARS = {"fit, 64 px": 3.0, "fit, 500 px": 3.0, "shrunk, 500 to 256 px": 1.0}
SIDES = {"fit, 64 px": 64, "fit, 500 px": 375, "shrunk, 500 to 256 px": 256}


def measure(rounds: int, seconds: float, cores: int, tinyimagenet: Path | None = None) -> list[dict]:
    """A row per case and writer: the median of ``rounds`` turns, each of about ``seconds`` s for the slower writer."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folders = {}
        if tinyimagenet is not None:
            folders["fit, 64 px"] = _unpack(tinyimagenet, Path(folder) / "small", int(3000 * seconds))
        folders["fit, 500 px"] = _draw(Path(folder) / "large", int(300 * seconds))
        folders["shrunk, 500 to 256 px"] = folders["fit, 500 px"]
        for case, images in folders.items():
            turns = {who: [] for who in WHO}
            for _ in range(rounds):
                for who in WHO:
                    turns[who].append(_turn(who, images, SIDES[case], cores, Path(folder) / "x.beton"))
            ratios = [ours["rate"] / theirs["rate"] for ours, theirs in zip(*turns.values(), strict=True)]
            for who in WHO:
                rates = [turn["rate"] for turn in turns[who]]
                row = {"what": f"writing a beton: {case}", "who": who, "unit": "images/s", "rate": statistics.median(rates), "rates": rates}
                row |= {"peak_memory_mb": max(turn["peak_memory_mb"] for turn in turns[who]), "bytes": turns[who][0]["bytes"]}
                row["cpu_us_per_image"] = statistics.median(turn["cpu_us_per_image"] for turn in turns[who])
                if who == "ffcv":
                    row |= {"ours_over_it": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "bar": BARS[case]}
                rows.append(row)
    return rows


def _turn(who: str, images: Path, side: int, cores: int, output: Path) -> dict:
    command = [sys.executable, __file__, "--turn", who, "--images", images, "--side", side, "--cores", cores, "--output", output]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{who} failed:\n{result.stderr}")
    output.unlink()
    return json.loads(result.stdout.splitlines()[-1])


def _ours(images: Path, side: int, cores: int, output: Path) -> None:
    import torch  # noqa: F401 - of which FFCV imports much more, before its time starts too

    from fourlenses.data.sources import image_folder
    from fourlenses.data.write_beton import write_beton

    definition = {"source": "image_folder", "path": images.name, "test_fraction": 0.1}
    manifest = image_folder.index("bench", definition, images.parent)
    yield len(manifest)
    write_beton("bench", definition, images.parent, manifest, "clean", side, 0.0, output, cores)


def _ffcvs(images: Path, side: int, cores: int, output: Path) -> None:
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
    fields = {"image": RGBImageField(write_mode="jpg", **shrinks), "label": IntField(), "index": IntField()}
    DatasetWriter(str(output), fields, num_workers=cores).from_indexed_dataset(Folder())


def _run_turn(who: str, images: Path, side: int, cores: int, output: Path) -> None:
    turn = {"fourlenses": _ours, "ffcv": _ffcvs}[who](images, side, cores, output)
    count = next(turn)
    watch = _watch(output)
    began, used = time.perf_counter(), os.times()
    next(turn, None)
    elapsed = time.perf_counter() - began
    for worker in multiprocessing.active_children():  # which FFCV leaves running, and the times of children count from their end
        worker.join()
    cpu = sum(os.times()[:4]) - sum(used[:4])
    found = {"rate": count / elapsed, "peak_memory_mb": watch() >> 20, "bytes": output.stat().st_size}
    print(json.dumps({**found, "cpu_us_per_image": 1e6 * cpu / count}))


def _watch(output: Path):
    """Starts to look at the memory of this process and its children, twice a second; the result ends it and gives the peak in bytes."""
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


def _unpack(archive: Path, folder: Path, most: int) -> Path:
    with tarfile.open(archive, "r|*") as tar:
        count = 0
        for member in tar:
            if member.isreg() and member.name.lower().endswith((".jpg", ".jpeg")):
                target = folder / f"class{count % 20}" / f"{count}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
                count += 1
                if count == most:
                    break
    return folder


def _draw(folder: Path, count: int) -> Path:
    """JPEGs of 500 x 375 px of quality 90, about 60 KB each as those of iNat21 are: overlapping shapes with texture at every scale."""
    import numpy as np
    from PIL import Image

    random.seed(0)
    generator = np.random.default_rng(0)
    distinct = []
    for _ in range(60):
        pixels = np.zeros((375, 500, 3), np.float32)
        for side, strength in ((4, 70), (12, 40), (40, 25), (120, 18), (375, 9)):
            layer = generator.normal(128, strength, (side, side * 4 // 3, 3)).clip(0, 255).astype(np.uint8)
            pixels += np.asarray(Image.fromarray(layer).resize((500, 375), Image.Resampling.BICUBIC), np.float32) - 128
        buffer = io.BytesIO()
        Image.fromarray((pixels + 128).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        distinct.append(buffer.getvalue())
    for number in range(count):
        target = folder / f"class{number % 20}" / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(distinct[number % len(distinct)])
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="about, of a turn of the slower writer")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tinyimagenet", type=Path, help="archive of the small JPEGs; without it their case is left out")
    parser.add_argument("--turn", choices=WHO, help=argparse.SUPPRESS)
    parser.add_argument("--images", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.turn:
        _run_turn(arguments.turn, arguments.images, arguments.side, arguments.cores, arguments.output)
        return
    for row in measure(arguments.rounds, arguments.seconds, arguments.cores, arguments.tinyimagenet):
        ratio = f", ours {row['ours_over_it']:.2f}x ({row['least']:.2f} to {row['most']:.2f}), bar {row['bar']:g}x" if "bar" in row else ""
        print(f"{row['what']}: {row['who']} {row['rate']:.0f} {row['unit']}, {row['cpu_us_per_image']:.0f} us of CPU an image, "
              f"{row['peak_memory_mb']} MB, file {row['bytes'] >> 20} MB{ratio}")  # fmt: skip


if __name__ == "__main__":
    main()

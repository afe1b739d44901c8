"""Two 224 px views of stored JPEGs on the host: the streaming input beside FFCV's own pipelines and a torchvision DataLoader.

    python benchmarks/streaming.py --seconds 5

Pictures are made here: eight octaves of noise (colours correlated, each octave 0.7 of the one before), twelve discs of other colours
with sharp edges, and a sensor's noise of 6 grey levels, as JPEG of quality 90: 63 to 70 kB at 500x375, 31 to 36 kB at 341x256, as
photographs have. All contestants read the same pixels (torchvision: the same JPEG bytes, from memory). What is timed:

- ours: decode once, two crops, mirrored, uint8 (what `StreamingInput` does on the host; the rest is the training device's)
- ffcv: RandomResizedCropRGBImageDecoder, RandomHorizontalFlip, ToTensor, twice through PipelineSpec; after its compilation. Its crops
  (and torchvision's) are of the whole picture, ours of its central square
- torchvision: two whole SimCLR views on Pillow images in a DataLoader, as the usual codes do

A round times each contestant for about --seconds in whole passes (of 2048 images; torchvision 128), one after the other, so that what
else the machine does hits all alike; ratios are taken within a round. Printed are medians and [least, most] of the rounds.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fourlenses.data.beton import JPEG, Beton, BetonWriter
from fourlenses.data.crops import Cutter
from fourlenses.data.jpeg import JpegDecoder
from fourlenses.data.parameters import draw_parameters
from fourlenses.data.scaling import picture_room
from fourlenses.data.streaming import StreamingInput
from fourlenses.data.views import Recipe, Views

SIZES = {"500x375": (500, 375), "341x256": (341, 256)}
IMAGES, DISTINCT, BATCH, VIEW = 2048, 48, 128, 224


def photograph(seed: int, width: int, height: int, quality: int = 90) -> bytes:
    """The bytes of a JPEG that compresses like a photograph."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3), np.float32)
    for octave in range(1, 9):
        rows, columns = 2**octave, 2**octave * width // height + 1
        coarse = (rng.normal(size=(rows, columns, 1)) + 0.35 * rng.normal(size=(rows, columns, 3))).astype(np.float32)
        layers = [Image.fromarray(layer).resize((width, height), Image.Resampling.BICUBIC) for layer in np.moveaxis(coarse, 2, 0)]
        pixels += 0.7**octave * np.stack(layers, -1)
    y, x = np.mgrid[:height, :width]
    for _ in range(12):
        inside = (x - rng.uniform(0, width)) ** 2 + (y - rng.uniform(0, height)) ** 2 < (rng.uniform(0.05, 0.25) * height) ** 2
        pixels[inside] += rng.normal(0, 0.7, 3)
    pixels = (pixels - pixels.mean()) / pixels.std() * 55 + 120 + rng.normal(0, 6, (height, width, 1))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write(path: Path, width: int, height: int) -> list[bytes]:
    pictures = [photograph(seed, width, height) for seed in range(DISTINCT)]
    writer = BetonWriter(path, IMAGES)
    for row in range(IMAGES):
        writer.add(pictures[row % DISTINCT], width, height, row % 10, row)
    writer.close()
    return pictures


# --- a contestant is a function of nothing that makes one pass and returns how many images it gave two views of


def ours(path: Path, workers: int) -> Callable[[], int]:
    shortest = int(min(Beton(path).width[0], Beton(path).height[0]))
    stream = StreamingInput(
        [(path, np.arange(IMAGES), "photographs")], shortest, [Views(Recipe(), VIEW, 0)] * 2, torch.device("cpu"), workers
    )
    rng = np.random.default_rng(0)

    def chosen() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = rng.permutation(IMAGES)
        for start in range(0, IMAGES, BATCH):
            yield order[start : start + BATCH], np.zeros(BATCH, np.int64)

    return lambda: sum(len(crops[0]) for crops, _ in stream.crops(chosen()))


def ffcv(path: Path, workers: int) -> Callable[[], int]:
    from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.pipeline import PipelineSpec
    from ffcv.transforms import RandomHorizontalFlip, ToTensor

    def pipeline() -> PipelineSpec:
        decoder = RandomResizedCropRGBImageDecoder((VIEW, VIEW))
        return PipelineSpec("image", decoder=decoder, transforms=[RandomHorizontalFlip(), ToTensor()])

    pipelines = {"image": None, "label": None, "index": None, "first": pipeline(), "second": pipeline()}
    threads = torch.get_num_threads()
    loader = Loader(str(path), batch_size=BATCH, num_workers=workers, os_cache=True, order=OrderOption.RANDOM, pipelines=pipelines)
    torch.set_num_threads(threads)  # FFCV sets it to its own number
    return lambda: sum(len(batch[0]) for batch in loader)


class Pictures(torch.utils.data.Dataset):
    def __init__(self, pictures: list[bytes]) -> None:
        from torchvision import transforms as t

        self.pictures = pictures
        self.views = t.Compose(
            [
                t.RandomResizedCrop(VIEW),
                t.RandomHorizontalFlip(),
                t.RandomApply([t.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
                t.RandomGrayscale(p=0.2),
                t.RandomApply([t.GaussianBlur(23, sigma=(0.1, 2.0))], p=0.5),
                t.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return BATCH

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        picture = Image.open(io.BytesIO(self.pictures[number % DISTINCT])).convert("RGB")
        return self.views(picture), self.views(picture)


def torchvision(pictures: list[bytes], workers: int) -> Callable[[], int]:
    loader = torch.utils.data.DataLoader(
        Pictures(pictures), BATCH // 8, shuffle=True, num_workers=workers, persistent_workers=True, multiprocessing_context="fork"
    )
    return lambda: sum(len(first) for first, _ in loader)


def rate(one_pass: Callable[[], int], seconds: float) -> tuple[float, float]:
    """Images a second, and milliseconds of this process's CPU time an image."""
    started, before, images = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        images += one_pass()
    return images / (time.perf_counter() - started), 1e3 * (time.process_time() - before) / images


def measure(seconds: float = 5.0, rounds: int = 3, workers: int | None = None, sizes: tuple[str, ...] = tuple(SIZES)) -> list[dict]:
    """A row for each size and contestant: images_per_second and ratio (ours over theirs), each [median, least, most] over the rounds;
    cpu_ms_per_image (median; None where other processes work)."""
    workers = workers or len(os.sched_getaffinity(0))
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.beton"
            pictures = write(path, *SIZES[size])
            # forks first: threads do not survive it
            contestants = {"torchvision": torchvision(pictures, workers)}
            contestants["torchvision"]()
            contestants |= {"ours": ours(path, workers), "ffcv": ffcv(path, workers)}
            for one_pass in contestants.values():
                one_pass()
            measured = {name: [] for name in contestants}
            for _ in range(rounds):
                for name, one_pass in contestants.items():
                    measured[name].append(rate(one_pass, seconds))
            for name in ("ours", "ffcv", "torchvision"):
                ratios = [us[0] / them[0] for us, them in zip(measured["ours"], measured[name], strict=True)]
                rows.append(
                    {
                        "pictures": size,
                        "contestant": name,
                        "images_per_second": _spread([one for one, _ in measured[name]]),
                        "ratio": _spread(ratios),
                        "cpu_ms_per_image": None if name == "torchvision" else statistics.median(cpu for _, cpu in measured[name]),
                    }
                )
            path.unlink()
    return rows


def stages(size: str, seconds: float = 2.0) -> dict[str, float]:
    """Milliseconds an image of one thread, by stage: the fastest of many times over all pictures."""
    width, height = SIZES[size]
    pictures, shortest, rng = [photograph(seed, width, height) for seed in range(DISTINCT)], min(width, height), np.random.default_rng(0)
    cutter, decoder, pixels = Cutter(), JpegDecoder(), np.empty((height, width, 4), np.uint8)
    boxes = draw_parameters(Recipe(), shortest, shortest, 0, np.arange(2 * DISTINCT, dtype=np.uint64), 0, 0)
    boxes = np.stack([boxes.top, boxes.left, boxes.height, boxes.width], 1).reshape(DISTINCT, 2, 4).tolist()
    flips, outputs = (rng.random((DISTINCT, 2)) < 0.5).tolist(), [picture_room(VIEW, 4), picture_room(VIEW, 4)]
    none = [[0, 0, 1, 1]], [False], [picture_room(1, 4)]

    def decode_all() -> None:
        for picture in pictures:
            decoder.decode(picture, pixels)

    def cut_all(whole: bool) -> None:
        for number, picture in enumerate(pictures):
            chosen = (boxes[number], flips[number], outputs) if whole else none
            cutter.cut(picture, JPEG, width, height, shortest, *chosen)

    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(pictures))
        file.flush()
        starts = np.cumsum([0, *map(len, pictures)]).tolist()

        def read_all() -> None:
            for start, picture in zip(starts, pictures, strict=False):
                os.pread(file.fileno(), len(picture), start)

        work = {
            "read (page cache)": read_all,
            "decode": decode_all,
            "and a crop of 1 px": lambda: cut_all(False),
            "and two views": lambda: cut_all(True),
        }
        fastest, until = dict.fromkeys(work, np.inf), time.perf_counter() + seconds
        while time.perf_counter() < until:
            for name, one in work.items():
                started = time.perf_counter()
                one()
                fastest[name] = min(fastest[name], (time.perf_counter() - started) / DISTINCT * 1e3)
    return fastest


def _spread(values: list[float]) -> list[float]:
    return [statistics.median(values), min(values), max(values)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--stages", action="store_true", help="what a thread spends on an image, instead")
    settings = parser.parse_args()
    if settings.stages:
        for size in SIZES:
            print(size, ", ".join(f"{name}: {value:.3f} ms" for name, value in stages(size, settings.seconds).items()))
        return
    sys.unraisablehook = lambda _: None  # numba complains when a Loader of FFCV goes
    print(f"{'pictures':9} {'contestant':12} {'images/s':>20} {'ours is … times':>22} {'CPU ms/image':>13}")
    for row in measure(settings.seconds, settings.rounds, settings.workers):
        speed, ratio = (f"{row['images_per_second'][0]:.0f} [{row['images_per_second'][1]:.0f}, {row['images_per_second'][2]:.0f}]",
                        f"{row['ratio'][0]:.2f} [{row['ratio'][1]:.2f}, {row['ratio'][2]:.2f}]")  # fmt: skip
        cpu = "" if row["cpu_ms_per_image"] is None else f"{row['cpu_ms_per_image']:.2f}"
        print(f"{row['pictures']:9} {row['contestant']:12} {speed:>20} {ratio:>22} {cpu:>13}")


if __name__ == "__main__":
    main()

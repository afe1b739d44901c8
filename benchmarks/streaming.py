"""Two 224 px views of stored JPEGs on the host: the streaming input beside FFCV's own pipelines and a torchvision DataLoader.

Pictures are made here: eight octaves of noise (colours correlated, each octave 0.7 of the one before), twelve discs of other colours
with sharp edges, and a sensor's noise of 6 grey levels, as JPEG of quality 90: 63 to 70 kB at 500x375, 31 to 36 kB at 341x256, as
photographs have. All contestants read the same pixels (torchvision: the same JPEG bytes, from memory). What is timed:

- ours: decode once, two crops, mirrored, uint8 (what `StreamingInput` does on the host; the rest is the training device's)
- ffcv: RandomResizedCropRGBImageDecoder, RandomHorizontalFlip, ToTensor, twice through PipelineSpec; after its compilation. Its crops
  (and torchvision's) are of the whole picture, ours of its central square
- torchvision: two whole SimCLR views on Pillow images in a DataLoader, as the usual codes do

A pass is 2048 images, torchvision's 128. Run as a program it prints the stages of one thread instead.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timing import race, rows

from fourlenses.data.beton import JPEG, Beton
from fourlenses.data.beton_writer import BetonWriter
from fourlenses.data.crops import Cutter
from fourlenses.data.parameters import draw_parameters
from fourlenses.data.scaling import picture_room
from fourlenses.data.streaming import StreamingInput
from fourlenses.data.turbojpeg import JpegDecoder
from fourlenses.data.views import Recipe, Views

SIZES = {"500x375": (500, 375), "341x256": (341, 256)}
BARS = {"500x375": 10, "341x256": 20}  # of torchvision's speed
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


def measure(rounds: int, seconds: float, cores: int) -> list[dict]:
    """Rows of `timing.rows` for both kinds of pictures."""
    torch.set_num_threads(1)
    sys.unraisablehook = lambda _: None  # numba complains when a Loader of FFCV goes
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for size, torchvisions_bar in BARS.items():
            path = Path(folder) / f"{size}.beton"
            pictures = write(path, *SIZES[size])
            peer = f"torchvision on PIL, {cores} workers"
            # forks first: threads do not survive it
            contestants = {peer: torchvision(pictures, cores)}
            contestants[peer]()
            contestants = {"ours": ours(path, cores), "ffcv, two pipelines": ffcv(path, cores), **contestants}
            results = race(contestants, rounds, seconds)
            table += rows(f"two views, 224 px, from {size}", "images/s", results, {"ffcv, two pipelines": 1.6, peer: torchvisions_bar})
            path.unlink()
    return table


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


def main() -> None:
    parser = argparse.ArgumentParser(description="What a thread spends on an image, stage by stage. `make bench` has the speeds.")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each stage")
    settings = parser.parse_args()
    for size in SIZES:
        print(size, ", ".join(f"{name}: {value:.3f} ms" for name, value in stages(size, settings.seconds).items()))


if __name__ == "__main__":
    main()

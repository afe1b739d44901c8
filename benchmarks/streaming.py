"""Two 224 px views of stored JPEGs on the host: streaming input, FFCV's pipelines, torchvision.

Pictures are made here: eight octaves of noise (colours correlated, each octave 0.7 of the one
before), twelve discs of other colours with sharp edges, and a sensor's noise of 6 grey levels, as
JPEG of quality 90: 63 to 70 kB at 500x375, 31 to 36 kB at 341x256, as photographs have. All
contestants read the same pixels (torchvision: the same JPEG bytes, from memory). What is timed:

- ours: decode once, two crops, mirrored, uint8 (the work of `StreamingInput` on the host; the rest
  is the training device's); and the whole augmentation, float32, as it would be without such a
  device
- ffcv: RandomResizedCropRGBImageDecoder, RandomHorizontalFlip, ToTensor, twice through
  PipelineSpec; after its compilation. Its crops (and torchvision's) are of the whole picture, ours
  of its central square
- torchvision on Pillow images or on tensors, lightly: two whole SimCLR views in a DataLoader, as
  their examples do
- kornia: a DataLoader decodes, the views are made of the batch in the main process on as many
  threads

A pass is 2048 images, of whole augmentations 256 (ours) and 128. Run as a program it prints the
stages of one thread instead.
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
from bounds import decode_rate
from PIL import Image
from timing import bounded, chosen, compute_threads, race, rows
from torch.utils.data import DataLoader, Dataset

from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.augment.parameters import draw_parameters
from fourlenses.data.beton.reader import JPEG, Beton
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.images.scaling import picture_room
from fourlenses.data.images.turbojpeg import JpegDecoder
from fourlenses.data.loading.crops import Cropper, Crops
from fourlenses.data.loading.streaming import StreamingInput

SIZES = {"500x375": (500, 375), "341x256": (341, 256)}
BARS = {"500x375": 10, "341x256": 20}  # of torchvision's speed
IMAGES, DISTINCT, BATCH, VIEW = 2048, 48, 128, 224
TORCHVISION = "torchvision on PIL"


def photograph(seed: int, *, width: int, height: int, quality: int = 90) -> bytes:
    """The bytes of a JPEG that compresses like a photograph."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3), np.float32)
    for octave in range(1, 9):
        rows, columns = 2**octave, 2**octave * width // height + 1
        coarse = (
            rng.normal(size=(rows, columns, 1)) + 0.35 * rng.normal(size=(rows, columns, 3))
        ).astype(np.float32)
        layers = [
            Image.fromarray(layer).resize((width, height), Image.Resampling.BICUBIC)
            for layer in np.moveaxis(coarse, 2, 0)
        ]
        pixels += 0.7**octave * np.stack(layers, -1)
    y, x = np.mgrid[:height, :width]
    for _ in range(12):
        inside = (x - rng.uniform(0, width)) ** 2 + (y - rng.uniform(0, height)) ** 2 < (
            rng.uniform(0.05, 0.25) * height
        ) ** 2
        pixels[inside] += rng.normal(0, 0.7, 3)
    pixels = (
        (pixels - pixels.mean()) / pixels.std() * 55 + 120 + rng.normal(0, 6, (height, width, 1))
    )
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write(path: Path, width: int, height: int) -> list[bytes]:
    pictures = [photograph(seed, width=width, height=height) for seed in range(DISTINCT)]
    writer = BetonWriter(path, IMAGES)
    for row in range(IMAGES):
        writer.add(pictures[row % DISTINCT], width=width, height=height, label=row % 10, index=row)
    writer.close()
    return pictures


# --- a contestant is a function of nothing that makes one pass and returns how many images it gave
# two views of


def ours(path: Path, workers: int, whole: bool = False) -> Callable[[], int]:
    """What the host does for a training device.

    Or, ``whole``, all of the augmentation, on as many compute threads.
    """
    shortest = int(min(Beton(path).width[0], Beton(path).height[0]))
    stream = StreamingInput(
        [(path, np.arange(IMAGES), "photographs")],
        shortest,
        [Augment(Augmentation(), VIEW, 0)] * 2,
        device=torch.device("cpu"),
        workers=workers,
    )
    rng = np.random.default_rng(0)
    images = IMAGES // 8 if whole else IMAGES

    def chosen() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = rng.permutation(IMAGES)[:images]
        for start in range(0, images, BATCH):
            yield order[start : start + BATCH], np.zeros(BATCH, np.int64)

    def on_all_threads() -> int:
        with compute_threads(workers):
            return sum(len(views[0]) for views in stream.batches(chosen()))

    return (
        on_all_threads
        if whole
        else lambda: sum(len(crops[0]) for crops, _ in stream.crops(chosen()))
    )


def ffcv(path: Path, workers: int, view: int = VIEW) -> Callable[[], int]:
    from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.pipeline import PipelineSpec
    from ffcv.transforms import RandomHorizontalFlip, ToTensor

    def pipeline() -> PipelineSpec:
        decoder = RandomResizedCropRGBImageDecoder((view, view))
        return PipelineSpec(
            "image", decoder=decoder, transforms=[RandomHorizontalFlip(), ToTensor()]
        )

    pipelines = {
        "image": None,
        "label": None,
        "index": None,
        "first": pipeline(),
        "second": pipeline(),
    }
    threads = torch.get_num_threads()
    loader = Loader(
        str(path),
        batch_size=BATCH,
        num_workers=workers,
        os_cache=True,
        order=OrderOption.RANDOM,
        pipelines=pipelines,
    )
    torch.set_num_threads(threads)  # FFCV sets it to its own number
    return lambda: sum(len(batch[0]) for batch in loader)


def peers(pictures: list[bytes], workers: int) -> dict[str, Callable[[], int]]:
    """What other codes do on the host, the whole augmentation twice an image.

    With torch's DataLoader, its worker processes begun here.
    """
    from peers import kornias_views, lightlys_views, pil_views, tensor_views

    def batches(views: Callable) -> DataLoader:
        data = Pictures(pictures, views, BATCH)
        return DataLoader(
            data,
            BATCH // 8,
            True,
            num_workers=workers,
            persistent_workers=True,
            multiprocessing_context="fork",
        )

    def a_pass(loader: DataLoader, views: Callable | None = None) -> Callable[[], int]:
        def run() -> int:
            with compute_threads(workers if views else 1):
                return sum(len((views(batch) if views else batch)[0]) for batch in loader)

        run()
        return run

    return {
        TORCHVISION: a_pass(batches(from_pil(pil_views(VIEW)))),
        "torchvision v2 on tensors": a_pass(batches(from_tensor(tensor_views(VIEW)))),
        "lightly's SimCLRTransform": a_pass(batches(from_pil(lightlys_views(VIEW)))),
        "kornia on the batch": a_pass(
            batches(from_tensor(lambda image: image)), kornias_views(VIEW)
        ),
    }


class Pictures(Dataset):
    """JPEGs in memory, over and over up to ``count``, as ``views`` makes them of their bytes."""

    def __init__(self, pictures: list[bytes], views: Callable, count: int) -> None:
        self.pictures, self.views, self.count = pictures, views, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int):
        return self.views(self.pictures[number % len(self.pictures)])


def from_pil(views: Callable) -> Callable:
    return lambda data: views(Image.open(io.BytesIO(data)).convert("RGB"))


def from_tensor(views: Callable) -> Callable:
    from torchvision.io import decode_jpeg

    return lambda data: views(decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8)))


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    """Rows of `timing.rows` for both kinds of pictures.

    What the host does for a training device, and the whole augmentation on the host.
    """
    torch.set_num_threads(1)
    sys.unraisablehook = lambda _: None  # numba complains when a Loader of FFCV goes
    with tempfile.TemporaryDirectory() as folder:
        paths = {size: Path(folder) / f"{size}.beton" for size in SIZES}
        all_pictures = {size: write(path, *SIZES[size]) for size, path in paths.items()}
        # forks first: threads do not survive it
        all_peers = {size: peers(pictures, cores) for size, pictures in all_pictures.items()}
        for size, path in paths.items():
            pictures, others = all_pictures[size], all_peers.pop(size)
            host, whole = "ours", "ours, whole augmentation"
            contestants = {
                host: ours(path, cores),
                "ffcv, two pipelines": ffcv(path, cores),
                whole: ours(path, cores, whole=True),
                **others,
            }
            results = race(contestants, rounds, seconds)
            decoded, bound = (
                decode_rate(pictures, cores),
                f"TurboJPEG decoding each once on {cores} threads",
            )
            bars = {"ffcv, two pipelines": 2.5, TORCHVISION: BARS[size]}
            names = (host, "ffcv, two pipelines", TORCHVISION)
            for table in (
                rows(
                    f"two views, 224 px, from {size}, host side",
                    "images/s",
                    chosen(results, *names),
                    bars=bars,
                ),
                rows(
                    f"two views, 224 px, from {size}, whole augmentation on the host",
                    "images/s",
                    chosen(results, whole, *others),
                    bars={"lightly's SimCLRTransform": 2},
                ),
            ):
                yield bounded(table[0], decoded, bound)
                yield from table[1:]
            del contestants, others  # with their worker processes


def stages(size: str, seconds: float = 2.0) -> dict[str, float]:
    """Milliseconds an image of one thread, by stage.

    The fastest of many times over all pictures.
    """
    width, height = SIZES[size]
    pictures = [photograph(seed, width=width, height=height) for seed in range(DISTINCT)]
    decoder, pixels = JpegDecoder(), np.empty((height, width, 4), np.uint8)

    def decode_all() -> None:
        for picture in pictures:
            decoder.decode(picture, pixels)

    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(pictures))
        file.flush()
        starts = np.cumsum([0, *map(len, pictures)]).tolist()

        def read_all() -> None:
            for start, picture in zip(starts, pictures, strict=False):
                os.pread(file.fileno(), len(picture), start)

        cut_all = cuts(pictures, width, height)
        work = {
            "read (page cache)": read_all,
            "decode": decode_all,
            "and a crop of 1 px": lambda: cut_all(False),
            "and two views": lambda: cut_all(True),
        }
        fastest, until = dict.fromkeys(work, np.inf), time.perf_counter() + seconds
        while time.perf_counter() < until:
            for name, stage in work.items():
                started = time.perf_counter()
                stage()
                spent = (time.perf_counter() - started) / DISTINCT * 1e3
                fastest[name] = min(fastest[name], spent)
    return fastest


def cuts(pictures: list[bytes], width: int, height: int) -> Callable[[bool], None]:
    """A function that cuts all pictures: two views each, or a crop of 1 px."""
    shortest, rng = min(width, height), np.random.default_rng(0)
    drawn = draw_parameters(
        Augmentation(),
        shortest,
        shortest,
        seed=0,
        sample_ids=np.arange(2 * DISTINCT, dtype=np.uint64),
        epoch=0,
        view=0,
    )
    corners = np.stack([drawn.top, drawn.left, drawn.height, drawn.width], 1)
    boxes, flips = corners.reshape(DISTINCT, 2, 4), rng.random((DISTINCT, 2)) < 0.5
    two_views = [picture_room(VIEW, 4, count=DISTINCT) for _ in range(2)]
    views = Crops(boxes, flips, two_views, size=shortest)
    pixel = np.tile([0, 0, 1, 1], (DISTINCT, 1, 1))
    pixels = Crops(pixel, flips[:, :1], [picture_room(1, 4, count=DISTINCT)], size=shortest)
    cutter = Cropper()

    def cut_all(whole: bool) -> None:
        crops = views if whole else pixels
        for row, picture in enumerate(pictures):
            cutter.cut(picture, mode=JPEG, width=width, height=height, crops=crops, row=row)

    return cut_all


def main() -> None:
    parser = argparse.ArgumentParser(
        description="What a thread spends on an image, stage by stage. `make bench` has the speeds."
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of each stage")
    settings = parser.parse_args()
    for size in SIZES:
        print(
            size,
            ", ".join(
                f"{name}: {value:.3f} ms" for name, value in stages(size, settings.seconds).items()
            ),
        )


if __name__ == "__main__":
    main()

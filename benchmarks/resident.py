"""Two views of small images in memory, at 32 and 64 px on as many cores.

The whole augmentation (colours, no blur), and crop and flip alone. All have the same pixels: ours,
kornia and FFCV (a beton of raw pixels) from a uint8 array, torchvision and lightly from Pillow
images or tensors, an image at a time in a DataLoader.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from bounds import memory_bandwidth
from streaming import ffcv
from timing import bounded, chosen, race, rows
from torch.utils.data import DataLoader, Dataset

from fourlenses.data import synthetic
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.beton.writer import BetonWriter

SIZE, BATCH, IMAGES = 32, 256, 2048
# SimCLR's CIFAR augmentation (appendix B.9): no blur.
AUGMENTATION = Augmentation(crop_scale=(0.08, 1.0), blur=0.0)
CROP = Augmentation(crop_scale=(0.08, 1.0), blur=0.0, jitter=None, grey=0.0)
BARS = {
    32: {"torchvision on PIL": 15, "ffcv, two pipelines": 1},
    64: {"torchvision on PIL": 8, "ffcv, two pipelines": 1},
}


def pictures(count: int = IMAGES, size: int = SIZE) -> np.ndarray:
    """uint8 (count, size, size, 3).

    Drawings of the synthetic objects, so that colours and edges are not noise.
    """
    return np.stack([synthetic.draw("objects", 0, number, size=size) for number in range(count)])


class Each(Dataset):
    """``views`` of every image."""

    def __init__(self, images: list, views: Callable) -> None:
        self.images, self.views = images, views

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        return self.views(self.images[index])


def ours(images: torch.Tensor, augmentation: Augmentation, size: int) -> Callable[[], int]:
    ids, views, generator = (
        np.arange(len(images), dtype=np.uint64),
        Augment(augmentation, size, seed=0),
        np.random.default_rng(0),
    )

    def batch() -> int:
        rows = generator.integers(0, len(images), BATCH)
        batch = images.index_select(0, torch.from_numpy(rows))  # as ResidentInput does
        for number in range(2):
            views(batch, ids[rows], epoch=0, view=number)
        return BATCH

    return batch


def peers(
    images: np.ndarray, *, tensor: torch.Tensor, size: int, cores: int
) -> dict[str, Callable[[], int]]:
    from peers import kornias_views, lightlys_views, pil_views, tensor_views
    from PIL import Image

    def passes(images: list, views: Callable) -> Callable[[], int]:
        loader = DataLoader(
            Each(images, views),
            BATCH,
            True,
            num_workers=cores,
            persistent_workers=True,
            drop_last=True,
            multiprocessing_context="fork",
        )
        return lambda: sum(len(first) for first, _ in loader)

    generator, batch_views, pil = (
        np.random.default_rng(0),
        kornias_views(size, blur=False),
        [Image.fromarray(image) for image in images],
    )
    return {
        "torchvision on PIL": passes(pil, pil_views(size, blur=False)),
        "torchvision v2 on tensors": passes(list(tensor), tensor_views(size, blur=False)),
        "lightly's SimCLRTransform": passes(pil, lightlys_views(size, blur=False)),
        "kornia on the batch": lambda: len(
            batch_views(tensor[torch.from_numpy(generator.integers(0, len(tensor), BATCH))])[0]
        ),
    }


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    torch.set_num_threads(cores)
    sys.unraisablehook = lambda _: None  # numba complains when a Loader of FFCV goes
    arrays = {size: pictures(IMAGES, size) for size in BARS}
    tensors = {
        size: torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        for size, images in arrays.items()
    }
    all_peers = {
        size: peers(arrays[size], tensor=tensors[size], size=size, cores=cores) for size in BARS
    }
    for others in all_peers.values():
        for work in others.values():
            work()  # forks first: threads do not survive it
    for size, bars in BARS.items():
        images, tensor, others = arrays[size], tensors[size], all_peers.pop(size)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "raw.beton"
            writer = BetonWriter(path, IMAGES)
            for row, image in enumerate(images):
                writer.add(image, width=size, height=size, label=0, index=row)
            writer.close()
            crops = {
                "ours, crop and flip": ours(tensor, CROP, size),
                "ffcv, two pipelines": ffcv(path, cores, size),
            }
            results = race(
                {"ours": ours(tensor, AUGMENTATION, size), **others, **crops}, rounds, seconds
            )
        # an image is read and two float32 views are written, whatever is done in between
        bound = memory_bandwidth(cores) / (3 * size**2 * (1 + 2 * 4))
        what = (
            f"bytes of an image and its views through memory as fast as a copy on {cores} thread(s)"
        )
        for title, names in (
            ("resident, with colour", ("ours", *others)),
            ("resident, crop and flip", tuple(crops)),
        ):
            first, *rest = rows(
                f"two views, {size} px, {title}", "images/s", chosen(results, *names), bars=bars
            )
            yield bounded(first, bound, what)
            yield from rest

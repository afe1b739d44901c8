"""Two things of a view on a GPU.

Device time and bytes per second, compared with the device's own copy; and time, compared with other
libraries.
"""

import itertools
import time
from collections.abc import Sequence

import numpy as np
import torch
from timing import Rates, rows
from torch.profiler import ProfilerActivity, profile

from fourlenses.data.augment import augment as views_module
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation

# stored size, view size, batch
SETTINGS = ((256, 224, 256), (64, 64, 1024), (32, 32, 4096))
GOAL = 0.5  # of the device's copy
SAMPLE_BY_SAMPLE = 32  # images that torchvision does one by one


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of a copy of 1 GiB on the device."""
    count = 2**30 if device.type == "cuda" else 2**24
    source, target = (
        torch.empty(count, dtype=torch.uint8, device=device).random_(),
        torch.empty(count, dtype=torch.uint8, device=device),
    )
    return 2 * count / seconds_of(lambda: target.copy_(source), device)


def matrix_rate(device: torch.device) -> float:
    """Operations a second of a bfloat16 matrix product of 8192 x 8192 x 8192 on random data."""
    size = 8192 if device.type == "cuda" else 256
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: a @ b, device)


def seconds_of(work, device: torch.device, turns: int = 20) -> float:
    """Median wall time of ``work``, the device waited for each time."""
    spent = []
    for turn in range(turns + 3):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if turn >= 3:
            spent.append(time.perf_counter() - began)
    return float(np.median(spent))


def device_seconds(work, device: torch.device, turns: int = 10) -> float:
    """What the device's kernels took of one call of ``work``, by the profiler.

    Wall time on a CPU.
    """
    if device.type == "cpu":
        return seconds_of(work, device, turns)
    work()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        for _ in range(turns):
            work()
        torch.cuda.synchronize()
    return sum(event.self_device_time_total for event in profiled.key_averages()) / 1e6 / turns


def measure(
    rounds: int, device: torch.device, settings: Sequence[tuple[int, int, int]] = SETTINGS
) -> list[dict]:
    """Rows of `timing.rows` and of bytes per second; settings: stored size, view size, batch."""
    bandwidth, table = copy_bandwidth(device), []
    print(f"copy {bandwidth / 1e12:.2f} TB/s", flush=True)
    for stored, size, batch in settings:
        augmentation = Augmentation(
            mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), blur=0.5 if size > 64 else 0.0
        )
        images = torch.randint(0, 256, (batch, 3, stored, stored), dtype=torch.uint8, device=device)
        views = Views(Augment(augmentation, size, 0), images)
        title = f"a view of {batch} images, {stored} to {size} px"
        read, written = batch * 3 * stored**2, batch * 3 * size**2 * 4
        # crop writes; mean reads; colour reads and writes; of the half that is blurred, two passes
        # read and write
        passes = read + written * (1 + 1 + 2 + (4 * augmentation.blur))
        moved = {
            "bytes its passes move": passes,
            "bytes it cannot do without (image in, view out)": read + written,
        }
        table += bandwidth_rows(title, device_seconds(views, device), moved, bandwidth=bandwidth)
        works = contestants(views, augmentation, size)
        rates: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, (work, count) in works.items():
                rates[name].append(count / seconds_of(work, device, 5))
        results = [Rates(name, values) for name, values in rates.items()]
        compared = rows(title, "images/s", results)
        for row in compared:
            print(
                f"{row['what']:40s} {row['who']:34s} {row['rate']:12.0f} images/s  "
                f"{row.get('ours_over_it', 1):.2f}x",
                flush=True,
            )
        table += compared
    return table


class Views:
    """A function of nothing: views of the same images, of another epoch each time."""

    def __init__(self, make: Augment, images: torch.Tensor) -> None:
        self.make, self.images, self.epochs = make, images, itertools.count()
        self.ids = np.arange(len(images), dtype=np.uint64)

    def __call__(self) -> torch.Tensor:
        return self.make(self.images, self.ids, epoch=next(self.epochs), view=0)


def bandwidth_rows(
    title: str, seconds: float, moved: dict[str, float], *, bandwidth: float
) -> list[dict]:
    """Bytes per second of one call, next to the device's own copy. moved: what -> bytes."""
    table = []
    for what, size in moved.items():
        rate, share = size / seconds / 1e9, size / seconds / bandwidth
        row = {
            "what": title,
            "who": f"ours: {what}",
            "unit": "GB/s",
            "rate": rate,
            "rates": [rate],
            "bound": bandwidth / 1e9,
            "bound_what": "the device's copy",
            "share": share,
            "device_seconds": seconds,
        }
        print(
            f"{title:40s} {what:50s} {rate:8.0f} GB/s, {100 * share:.0f} % of a copy; "
            f"{1e3 * seconds:.3f} ms",
            flush=True,
        )
        table.append(row)
    return table


def contestants(views: Views, augmentation: Augmentation, size: int) -> dict:
    """name -> (a call that makes views of some images, how many)."""
    import kornia.augmentation as k
    from torchvision.transforms import v2

    images = views.images

    def by_operation():
        with_kernels, views_module._triton_is_there = views_module._triton_is_there, lambda: False
        try:
            return views()
        finally:
            views_module._triton_is_there = with_kernels

    taps = max(3, (size // 10) | 1)
    kornias = k.AugmentationSequential(
        k.RandomResizedCrop((size, size), scale=(0.08, 1.0)),
        k.RandomHorizontalFlip(),
        k.ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8),
        k.RandomGrayscale(p=0.2),
        *([k.RandomGaussianBlur((taps, taps), (0.1, 2.0), p=0.5)] if augmentation.blur else []),
        k.Normalize(torch.tensor(augmentation.mean), torch.tensor(augmentation.std)),
        same_on_batch=False,
    )
    blur = [v2.RandomApply([v2.GaussianBlur(taps, (0.1, 2.0))], 0.5)] if augmentation.blur else []
    torchvisions = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.8, 0.8, 0.8, 0.2)], 0.8),
            v2.RandomGrayscale(0.2),
            *blur,
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(augmentation.mean, augmentation.std),
        ]
    )
    few = images[:SAMPLE_BY_SAMPLE]
    return {
        "ours": (views, len(images)),
        "ours, operation by operation": (by_operation, len(images)),
        "kornia on the batch": (lambda: kornias(images.float() / 255), len(images)),
        "torchvision v2, image by image": (
            lambda: torch.stack([torchvisions(image) for image in few]),
            len(few),
        ),
    }

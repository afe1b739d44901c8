"""Training steps on a GPU.

Source images per second of each method, what its views cost, and a public peer's step on the same
device.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from timing import race, rows

from fourlenses.config.job_settings import with_views
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.loading.inputs import ResidentInput
from fourlenses.data.loading.resident import Images
from fourlenses.methods import build_method
from fourlenses.methods.method import DataInfo
from fourlenses.models.backbones import build_backbone
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.sampling import Stream
from fourlenses.training.settings import Hyperparameters
from fourlenses.training.step_config import StepConfig

METHODS = ("simclr", "moco", "byol", "supervised")
# backbone, view size, stored size, batches. 0: as many as fit
Setting = tuple[str, int, int, tuple[int, ...]]
SETTINGS: tuple[Setting, ...] = (
    ("resnet50", 224, 256, (256,)),
    ("resnet18_cifar", 32, 32, (256, 1024)),
    ("resnet18", 64, 64, (256, 1024)),
    ("resnet18_cifar", 64, 64, (256,)),
)
CLASSES = 100


class Run:
    """A method of the shipped preset for this image size, on random images on the device."""

    def __init__(
        self,
        config: dict,
        method: str,
        *,
        backbone: str,
        size: int,
        stored: int,
        batch: int,
        device: torch.device,
        compiled: bool = False,
    ) -> None:
        hyper = Hyperparameters.from_json(method, with_views(config["methods"][method]))
        self.batch, self.device = batch, device
        views = [
            Augment(Augmentation.from_config(name, config["augmentations"][name]), size, 0)
            for name in hyper.views
        ]
        count = 2 * batch
        # coarse blocks: neither flat nor noise, and quick to make
        coarse = torch.rand(count, 3, 8, 8, device=device)
        images = (
            torch.nn.functional.interpolate(coarse, (stored, stored), mode="bilinear") * 255
        ).to(torch.uint8)
        labels = np.arange(count) % CLASSES
        source = ResidentInput(
            Images(
                images=images,
                labels=labels,
                ids=np.arange(count, dtype=np.uint64),
                num_classes=CLASSES,
            ),
            views,
            device,
        )
        encoder, width = build_backbone(backbone, 0)
        info = DataInfo(images=100 * count, num_classes=CLASSES, batch_size=batch, seed=0)
        self.method = build_method(
            hyper.method, encoder, width, settings=hyper.method_keys, info=info
        )
        set_batch_norm(self.method, 1)
        if compiled:
            encoder.compile()
        precision = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.engine = StepConfig(device, precision)
        self.method.to(device, memory_format=torch.channels_last).train()
        self.optimizer = build_optimizer(
            hyper.optimizer,
            self.method,
            learning_rate=1e-4,
            momentum=hyper.momentum,
            weight_decay=hyper.weight_decay,
        )
        stream = Stream(count, batch, 0)
        self.batches = source.batches(stream.batch(step) for step in range(10**9))
        self.labels = torch.from_numpy(labels[:batch]).to(device)
        self.constant = self.engine.arrange(next(self.batches))

    def step(self, views: list[torch.Tensor]) -> int:
        self.optimizer.zero_grad()
        _, _, targets = add_gradients(
            self.method,
            self.engine.arrange(views),
            self.labels,
            micro_batch=0,
            autocast=self.engine.autocast(),
        )
        self.optimizer.step()
        self.method.after_step(targets, 0, 1000)
        return self.batch

    def fed(self) -> int:
        return self.step(next(self.batches))

    def starved_of_nothing(self) -> int:
        return self.step(self.constant)

    def views_alone(self) -> int:
        self.engine.arrange(next(self.batches))
        return self.batch


def counted(work: Callable[[], int], seconds: float, device: torch.device) -> Callable[[], int]:
    """``work`` repeated for about ``seconds``, the device waited for once, at the end."""

    def turn() -> int:
        done, began = 0, time.perf_counter()
        while not done or time.perf_counter() - began < seconds:
            # the host runs ahead, so look at the clock seldom enough for that and often enough for
            # the time
            done += sum(work() for _ in range(4))
            wait(device)
        return done

    return turn


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def cases(
    config_of: Callable[..., dict], settings: Sequence[Setting], device: torch.device
) -> Iterator[tuple[str, dict, dict, str]]:
    """Yield method, config, what `Run` takes and a title; all methods at the first batch alone."""
    for backbone, size, stored, batches in settings:
        config = config_of(backbone=backbone, image_size=size, stored_size=stored)
        for batch in batches:
            for name in METHODS if batch == batches[0] else METHODS[:1]:
                free(device)
                sizes = {"backbone": backbone, "size": size, "stored": stored, "batch": batch}
                title = f"{name}, {backbone}, {size} px, batch {batch}"
                yield name, config, sizes | {"device": device}, title


def measure(
    config_of: Callable[..., dict],
    *,
    rounds: int,
    seconds: float,
    device: torch.device,
    settings: Sequence[Setting] = SETTINGS,
) -> list[dict]:
    table = []
    for name, config, sizes, title in cases(config_of, settings, device):
        run = Run(config, name, **sizes)
        works = {
            "step": run.fed,
            "step on a constant batch": run.starved_of_nothing,
            "views alone": run.views_alone,
        }
        rates = race(
            {what: counted(work, seconds, device) for what, work in works.items()},
            rounds,
            0,
        )
        compared = rows(
            title,
            "images/s",
            rates,
            bars={"step on a constant batch": 0.95},
        )
        compared[0] |= {
            "peak_memory_gib": peak(device),
            "views_share": rates[0].median / rates[2].median,
        }
        table += compared
        show(compared)
        del run
    return table


def largest_batch(
    config_of: Callable[..., dict],
    device: torch.device,
    *,
    backbone: str = "resnet50",
    size: int = 224,
    stored: int = 256,
) -> list[dict]:
    """Images/s of SimCLR at the most source images that a step has room for."""
    config, fits, table = config_of(backbone=backbone, image_size=size, stored_size=stored), 0, []
    for batch in (512, 768, 1024):
        free(device)
        try:
            sizes = {"backbone": backbone, "size": size, "stored": stored}
            run = Run(config, "simclr", batch=batch, device=device, **sizes)
            run.fed()
            wait(device)
            began = time.perf_counter()
            done = sum(run.fed() for _ in range(4))
            wait(device)
            rate, fits = done / (time.perf_counter() - began), batch
            table.append(
                {
                    "what": f"simclr, {backbone}, {size} px, batch {batch}",
                    "who": "step",
                    "unit": "images/s",
                    "rate": rate,
                    "rates": [rate],
                    "peak_memory_gib": peak(device),
                }
            )
            del run
        except torch.cuda.OutOfMemoryError:
            print(
                f"batch {batch}: no room; {fits} is the largest of those tried that fits",
                flush=True,
            )
            break
    show(table)
    return table


def peers(
    config_of: Callable[..., dict],
    *,
    rounds: int,
    seconds: float,
    device: torch.device,
    settings: Sequence[Setting] = SETTINGS,
) -> list[dict]:
    """SimCLR by lightly's loss and head and kornia's augmentation on the device.

    With the same encoder, precision, layout and batch.
    """
    table = []
    for backbone, size, stored, batches in settings:
        batch = batches[0]
        free(device)
        ours = Run(
            config_of(backbone=backbone, image_size=size, stored_size=stored),
            "simclr",
            backbone=backbone,
            size=size,
            stored=stored,
            batch=batch,
            device=device,
        )
        fed, constant = lightlys(ours, backbone, size=size, stored=stored)
        works = {
            "ours": ours.fed,
            "lightly's loss and head, kornia on the device": fed,
            "ours, constant batch": ours.starved_of_nothing,
            "lightly's loss and head, constant batch": constant,
        }
        turns = {what: counted(work, seconds, device) for what, work in works.items()}
        rates = race(turns, rounds, 0)
        title = f"SimCLR step, {backbone}, {size} px, batch {batch}"
        compared = rows(title, "images/s", rates[:2])
        compared += rows(f"{title}, constant batch", "images/s", rates[2:])
        table += compared
        show(compared)
        del ours, fed, constant, works, turns
    return table


def lightlys(
    ours: Run, backbone: str, *, size: int, stored: int
) -> tuple[Callable[[], int], Callable[[], int]]:
    """A step with its views, and one on our constant batch."""
    import kornia.augmentation as k
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead

    device, batch = ours.device, ours.batch
    encoder, width = build_backbone(backbone, 0)
    model = torch.nn.Sequential(encoder, SimCLRProjectionHead(width, width, 128))
    model.to(device, memory_format=torch.channels_last)
    criterion = NTXentLoss(temperature=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)
    blur = [k.RandomGaussianBlur((23, 23), (0.1, 2.0), p=0.5)] if size > 64 else []
    augment = k.AugmentationSequential(
        k.RandomResizedCrop((size, size), scale=(0.08, 1.0)),
        k.RandomHorizontalFlip(),
        k.ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8),
        k.RandomGrayscale(p=0.2),
        *blur,
        same_on_batch=False,
    )
    images = torch.rand(batch, 3, stored, stored, device=device)

    def step(views: list[torch.Tensor]) -> int:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            embeddings = model(torch.cat(views).contiguous(memory_format=torch.channels_last))
        criterion(*embeddings.float().chunk(2)).backward()
        optimizer.step()
        return batch

    return lambda: step([augment(images), augment(images)]), lambda: step(ours.constant)


def compiled(
    config_of: Callable[..., dict], *, rounds: int, seconds: float, device: torch.device
) -> list[dict]:
    """torch.compile on the encoder: is it faster, and what does it take to start?"""
    table = []
    for backbone, size, stored, batch in (("resnet18", 64, 64, 256), ("resnet50", 224, 256, 256)):
        free(device)
        config = config_of(backbone=backbone, image_size=size, stored_size=stored)
        sizes = {"backbone": backbone, "size": size, "stored": stored, "batch": batch}
        plain = Run(config, "simclr", device=device, **sizes)
        began = time.perf_counter()
        fast = Run(config, "simclr", device=device, compiled=True, **sizes)
        fast.fed()
        wait(device)
        start = time.perf_counter() - began
        rates = race(
            {
                "compiled": counted(fast.fed, seconds, device),
                "plain": counted(plain.fed, seconds, device),
            },
            rounds,
            0,
        )
        compared = rows(
            f"SimCLR step with training.compile, {backbone}, {size} px, batch {batch}",
            "images/s",
            rates,
        )
        compared[0]["start_seconds"] = start
        table += compared
        show(compared)
        del plain, fast
    return table


def peak(device: torch.device) -> float:
    return torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0


def free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def show(table: list[dict]) -> None:
    for row in table:
        more = "".join(
            f"  {key} {row[key]:.3g}"
            for key in ("peak_memory_gib", "views_share", "start_seconds")
            if key in row
        )
        ratio = (
            f"  ours {row['ours_over_it']:.2f}x ({row['least']:.2f} to {row['most']:.2f})"
            if "ours_over_it" in row
            else ""
        )
        print(
            f"{row['what']:58s} {row['who']:46s} {row['rate']:10.0f} {row['unit']}{ratio}{more}",
            flush=True,
        )

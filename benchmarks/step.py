"""SimCLR in training: a step on a constant batch, and an epoch with its input.

Compared with lightly's components in a plain loop. Both have the same encoder from the same
weights, batch, optimiser, augmentation parameters and channels-last layout, on as many compute
threads; lightly's loss, head and transform, its images from a DataLoader with as many worker
processes, as its examples have it. Each epoch starts from the beginning: what a loader prepares
during the other's turn is not used.

    resnet18_cifar, 32 px   images in memory (ours as uint8, lightly's as Pillow images), no blur
    resnet50, 224 px        from 500x375 JPEGs (ours streamed from a beton, lightly's from the same
                            bytes in memory), the whole augmentation; few images, as a CPU needs
                            seconds for one
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from bounds import matrix_rate, training_flops
from peers import lightlys_views
from resident import AUGMENTATION, Each
from resident import pictures as drawings
from streaming import Pictures, from_pil, photograph
from timing import bounded, chosen, race, rows
from torch.utils.data import DataLoader, Dataset

from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.loading.inputs import Input, ResidentInput
from fourlenses.data.loading.resident import Images
from fourlenses.data.loading.streaming import StreamingInput
from fourlenses.methods import build_method, method_settings
from fourlenses.methods.method import DataInfo
from fourlenses.models.backbones import build_backbone
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.sampling import Stream
from fourlenses.training.step_config import StepConfig

SETTINGS = {
    "temperature": 0.2,
    "projection_hidden": 256,
    "projection_out": 128,
    "projection_layers": 2,
    "projection_last_norm": True,
}
RATE, MOMENTUM, DECAY = 0.01, 0.9, 1e-4
CONSTANT, LIGHTLY, LIGHTLY_CONSTANT = (
    "ours, constant batch",
    "lightly in a plain loop",
    "lightly, constant batch",
)


def ours(source: Input, backbone: str, batch: int) -> tuple[Callable[[], int], Callable[[], int]]:
    """An epoch, and a step on a constant batch."""
    device, count = torch.device("cpu"), len(source)
    encoder, width = build_backbone(backbone, 0)
    hyper = method_settings("simclr", SETTINGS)
    info = DataInfo(images=count, num_classes=1, batch_size=batch, seed=0)
    method = build_method("simclr", encoder, width, settings=hyper, info=info)
    method.to(memory_format=torch.channels_last)
    optimizer, engine, labels = (
        build_optimizer("sgd", method, learning_rate=RATE, momentum=MOMENTUM, weight_decay=DECAY),
        StepConfig(device),
        torch.zeros(batch, dtype=torch.int64),
    )
    stream = Stream(count, batch, 0)

    def step(views: list[torch.Tensor]) -> int:
        optimizer.zero_grad()
        add_gradients(
            method, engine.arrange(views), labels, micro_batch=0, autocast=engine.autocast()
        )
        optimizer.step()
        return batch

    def batches() -> Iterator[list[torch.Tensor]]:
        return source.batches(stream.batch(number) for number in range(count // batch))

    constant = [view.clone() for view in next(batches())]
    return lambda: sum(step(views) for views in batches()), lambda: step(constant)


def lightlys(
    data: Dataset, *, backbone: str, batch: int, workers: int
) -> tuple[Callable[[], int], Callable[[], int]]:
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead

    encoder, width = build_backbone(backbone, 0)
    head = SimCLRProjectionHead(width, SETTINGS["projection_hidden"], SETTINGS["projection_out"])
    model = torch.nn.Sequential(encoder, head).to(memory_format=torch.channels_last).train()
    criterion = NTXentLoss(temperature=SETTINGS["temperature"])
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    loader = DataLoader(
        data, batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=True
    )

    def step(views: list[torch.Tensor]) -> int:
        loss = criterion(
            *model(torch.cat(list(views)).contiguous(memory_format=torch.channels_last)).chunk(2)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return batch

    constant = next(iter(loader))
    return lambda: sum(step(views) for views in loader), lambda: step(constant)


def _small(folder: Path, *, cores: int, batch: int, images: int) -> tuple[Input, Dataset]:
    from PIL import Image

    pixels = drawings(images)
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    data = Images(
        images=tensor,
        labels=np.zeros(images, np.int64),
        ids=np.arange(images, dtype=np.uint64),
        num_classes=1,
    )
    peer = Each([Image.fromarray(image) for image in pixels], lightlys_views(32, blur=False))
    return ResidentInput(data, [Augment(AUGMENTATION, 32, 0)] * 2, torch.device("cpu")), peer


def _large(folder: Path, *, cores: int, batch: int, images: int) -> tuple[Input, Dataset]:
    photographs = [photograph(seed, width=500, height=375) for seed in range(images)]
    writer = BetonWriter(folder / "x.beton", images)
    for row, data in enumerate(photographs):
        writer.add(data, width=500, height=375, label=0, index=row)
    writer.close()
    parts = [(folder / "x.beton", np.arange(images), "photographs")]
    source = StreamingInput(
        parts, 375, [Augment(Augmentation(), 224, 0)] * 2, device=torch.device("cpu"), workers=cores
    )
    return source, Pictures(photographs, from_pil(lightlys_views(224)), images)


# batch and images an epoch
CASES = {("resnet18_cifar", 32): (_small, 64, 192), ("resnet50", 224): (_large, 8, 16)}


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    for (backbone, size), (make, batch, images) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            source, data = make(Path(folder), cores=cores, batch=batch, images=images)
            # its worker processes are forked before a compute thread runs: threads do not survive
            # it
            torch.set_num_threads(1)
            theirs, theirs_constant = lightlys(data, backbone=backbone, batch=batch, workers=cores)
            torch.set_num_threads(cores)
            epoch, constant = ours(source, backbone, batch)
            contestants = {
                "ours": epoch,
                LIGHTLY: theirs,
                CONSTANT: constant,
                LIGHTLY_CONSTANT: theirs_constant,
            }
            results = race(contestants, rounds, seconds)
        bound = matrix_rate(cores) / training_flops(backbone, size)
        what = f"the encoder's multiplications at the rate of a matrix product on {cores} threads"
        title = f"{backbone}, {size} px, batch {batch}"
        for table in (
            rows(f"SimCLR step, {title}", "images/s", chosen(results, CONSTANT, LIGHTLY_CONSTANT)),
            rows(
                f"SimCLR epoch of {images} images, {title}",
                "images/s",
                chosen(results, "ours", LIGHTLY),
                bars={LIGHTLY: 1},
            ),
        ):
            yield bounded(table[0], bound, what)
            yield table[1]
        yield rows(
            f"SimCLR with its input, {title}", "images/s", chosen(results, "ours", CONSTANT)
        )[1]

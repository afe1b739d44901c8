"""Features of a frozen encoder: ours and a plain torch loop over a DataLoader.

On as many threads and worker processes. At 32 px from memory (ours uint8, the loop's Pillow
images, ToTensor); at 224 px from 500x375 JPEGs to centre crops (ours decoded from a beton by
threads, the loop's from the same bytes by worker processes). The loop has torch's own memory
layout and inference mode.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from bounds import feature_flops, matrix_rate
from resident import Each
from resident import pictures as drawings
from streaming import Pictures, from_pil, photograph
from timing import bounded, race, rows
from torch.utils.data import DataLoader, Dataset

from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.loading.resident import load_images
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.models.backbones import build_backbone

LOOP = "plain torch loop over a DataLoader"


def loop(data: Dataset, *, backbone: str, batch: int, workers: int) -> Callable[[], int]:
    encoder = build_backbone(backbone, 0)[0].eval()
    loader = DataLoader(
        data, batch, num_workers=workers, persistent_workers=True, multiprocessing_context="fork"
    )

    def run() -> int:
        with torch.inference_mode():
            return len(torch.cat([encoder(images) for images in loader]))

    next(iter(loader))
    return run


def measure(rounds: int, seconds: float, cores: int) -> Iterator[dict]:
    from PIL import Image
    from torchvision import transforms as t

    torch.set_num_threads(1)  # until the worker processes are forked
    with tempfile.TemporaryDirectory() as folder:
        small, photographs, beton = (
            drawings(256),
            [photograph(seed, width=500, height=375) for seed in range(32)],
            Path(folder) / "x.beton",
        )
        writer = BetonWriter(beton, len(photographs))
        for row, data in enumerate(photographs):
            writer.add(data, width=500, height=375, label=0, index=row)
        writer.close()
        cut = t.Compose([t.Resize(224), t.CenterCrop(224), t.ToTensor()])
        loops = {
            ("resnet18_cifar", 32): loop(
                Each([Image.fromarray(image) for image in small], t.ToTensor()),
                backbone="resnet18_cifar",
                batch=128,
                workers=cores,
            ),
            ("resnet50", 224): loop(
                Pictures(photographs, from_pil(cut), len(photographs)),
                backbone="resnet50",
                batch=16,
                workers=cores,
            ),
        }
        torch.set_num_threads(cores)
        tensor = torch.from_numpy(small).permute(0, 3, 1, 2).contiguous()
        encoders = {backbone: build_backbone(backbone, 0)[0] for backbone, _ in loops}

        def decoded() -> torch.Tensor:
            everything = np.arange(len(photographs))
            return load_images(beton, everything, 224, dataset="photographs", workers=cores).images

        ours = {
            ("resnet18_cifar", 32): lambda: len(
                extract_features(encoders["resnet18_cifar"], tensor, 128, device="cpu")
            ),
            ("resnet50", 224): lambda: len(
                extract_features(encoders["resnet50"], decoded(), 16, device="cpu")
            ),
        }
        for (backbone, size), work in ours.items():
            results = race({"ours": work, LOOP: loops[backbone, size]}, rounds, seconds)
            first, peer = rows(f"features, {backbone}, {size} px", "images/s", results)
            bound = matrix_rate(cores) / feature_flops(backbone, size)
            what = f"the encoder's multiplications at the rate of a product on {cores} threads"
            yield bounded(first, bound, what)
            yield peer

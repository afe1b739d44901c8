"""SimCLR by fourlenses and by lightly, at equal steps on equal images.

lightly's is its loss, head and transforms in a plain PyTorch loop. Both encoders start from the
same weights, see as many batches of the same size under the same optimiser, learning rates and
augmentation parameters, and are scored by the same linear classifier on frozen features. What
differs is whose code does it.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from fourlenses.core.randomness import named_seed, permutation
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.loading.inputs import ResidentInput
from fourlenses.data.loading.resident import Images, load_images
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, rows_of
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.evaluation.scores import ScoreReport
from fourlenses.methods import build_method, method_settings
from fourlenses.methods.method import DataInfo
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.metrics.statistics import paired_difference
from fourlenses.models.backbones import build_backbone
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.sampling import Stream
from fourlenses.training.schedule import learning_rate
from fourlenses.training.step_config import StepConfig

SIZE, TEMPERATURE, MOMENTUM, DECAY = 32, 0.2, 0.9, 5e-4
AUGMENTATION = Augmentation(crop_scale=(0.2, 1.0), blur=0.0)


@dataclass(frozen=True)
class Training:
    """What both codes are given; steps: updates; peak: learning rate."""

    backbone: str
    batch: int
    steps: int
    peak: float


def random(images: Images, training: Training, seed: int) -> torch.nn.Module:
    return build_backbone(training.backbone, seed)[0]


def ours(images: Images, training: Training, seed: int) -> torch.nn.Module:
    batch, steps, peak = training.batch, training.steps, training.peak
    encoder, width = build_backbone(training.backbone, seed)
    settings = {
        "temperature": TEMPERATURE,
        "projection_hidden": width,
        "projection_out": 128,
        "projection_layers": 2,
        "projection_last_norm": True,
    }
    hyper = method_settings("simclr", settings)
    info = DataInfo(images=len(images.labels), num_classes=1, batch_size=batch, seed=seed)
    method = build_method("simclr", encoder, width, settings=hyper, info=info)
    method.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(
        "sgd", method, learning_rate=peak, momentum=MOMENTUM, weight_decay=DECAY
    )
    source = ResidentInput(
        images,
        [Augment(AUGMENTATION, SIZE, seed), Augment(AUGMENTATION, SIZE, seed)],
        torch.device("cpu"),
    )
    stream, engine = Stream(len(images.labels), batch, seed), StepConfig(torch.device("cpu"))
    labels = torch.zeros(batch, dtype=torch.int64)
    for step, views in enumerate(source.batches(stream.batch(step) for step in range(steps))):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(
                step, total_steps=steps, warmup_steps=steps // 20, peak=peak
            )
        optimizer.zero_grad()
        add_gradients(
            method, engine.arrange(views), labels, micro_batch=0, autocast=engine.autocast()
        )
        optimizer.step()
    return encoder


class Pictures(Dataset):
    def __init__(self, images: torch.Tensor, transform) -> None:
        self.images = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> list[torch.Tensor]:
        return self.transform(self.images[index])


def lightlys(images: Images, training: Training, seed: int) -> torch.nn.Module:
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.transforms import SimCLRTransform

    batch, steps, peak = training.batch, training.steps, training.peak
    torch.manual_seed(seed)
    encoder, width = build_backbone(training.backbone, seed)
    model = torch.nn.Sequential(encoder, SimCLRProjectionHead(width, width, 128)).to(
        memory_format=torch.channels_last
    )
    criterion = NTXentLoss(temperature=TEMPERATURE)
    optimizer = torch.optim.SGD(model.parameters(), lr=peak, momentum=MOMENTUM, weight_decay=DECAY)
    transform = SimCLRTransform(
        SIZE, cj_strength=1.0, min_scale=0.2, gaussian_blur=0.0, normalize=None
    )
    loader = DataLoader(
        Pictures(images.images, transform),
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=1,
        persistent_workers=True,
    )
    step = 0
    while step < steps:
        for first, second in loader:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(
                    step, total_steps=steps, warmup_steps=steps // 20, peak=peak
                )
            views = torch.cat([first, second]).contiguous(memory_format=torch.channels_last)
            loss = criterion(*model(views).chunk(2))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step == steps:
                break
    return encoder


def hold_out(images: Images, classes: int, each: int) -> tuple[Images, Images]:
    """Training and test images of the first ``classes`` classes.

    ``each`` images a class for the test, the same ones always.
    """
    order = permutation(len(images.labels), named_seed(0, "held out"))
    of_class = [order[images.labels[order] == label] for label in range(classes)]

    def part(places: list[np.ndarray]) -> Images:
        chosen = np.sort(np.concatenate(places))
        return Images(
            images=images.images[torch.from_numpy(chosen)],
            labels=images.labels[chosen],
            ids=images.ids[chosen],
            num_classes=classes,
        )

    return part([places[each:] for places in of_class]), part(
        [places[:each] for places in of_class]
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        required=True,
        help="a dataset's folder under data/, e.g. data/tinyimagenet",
    )
    parser.add_argument("--beton", default="48px/clean.beton", help="its beton")
    parser.add_argument(
        "--classes", type=int, default=20, help="use the images of the first N classes"
    )
    parser.add_argument(
        "--held-out",
        type=int,
        default=65,
        help="test images of each class, drawn from all its images; the rest train",
    )
    parser.add_argument("--backbone", default="resnet_small")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=0.12)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument(
        "--who",
        nargs="*",
        default=["random", "ours", "lightly"],
        choices=["random", "ours", "lightly"],
    )
    parser.add_argument("--output", type=Path, help="JSON with every number")
    return parser.parse_args()


def load(arguments: argparse.Namespace) -> tuple[Images, Images, LabelLevels]:
    """Training and test images of the first ``classes`` classes, and their label levels."""
    manifest = read_manifest(arguments.dataset / "manifest.parquet")
    hierarchy = hierarchy_of(manifest)
    rows = np.concatenate([rows_of(manifest, split) for split in ("train", "test")])
    images = load_images(
        arguments.dataset / arguments.beton, rows, SIZE, dataset="bench", workers=2
    )
    train, test = hold_out(images, arguments.classes, arguments.held_out)
    return train, test, LabelLevels(hierarchy.names, hierarchy.table[: arguments.classes])


def evaluated(
    encoder: torch.nn.Module, train: Images, test: Images, *, levels: LabelLevels, seed: int
) -> ScoreReport:
    """The scores of a linear classifier on the encoder's features."""
    x_train, x_test = (
        extract_features(encoder, part.images, 500, device="cpu") for part in (train, test)
    )
    (result,) = linear_probe(
        LabelledFeatures(x_train, train.labels),
        LabelledFeatures(x_test, test.labels),
        {"all": np.arange(len(train.labels))},
        levels=levels,
        l2=[1.0, 0.1, 0.01, 1e-3, 1e-4],
        validation_fraction=0.2,
        seed=seed,
    )
    return result.report


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    train, test, levels = load(arguments)
    steps = arguments.epochs * len(train.labels) // arguments.batch
    training = Training(arguments.backbone, arguments.batch, steps, arguments.learning_rate)
    print(
        f"{len(train.labels)} training and {len(test.labels)} test images, {arguments.classes} "
        f"classes, {steps} steps of {arguments.batch}"
    )
    encoders = {"random": random, "ours": ours, "lightly": lightlys}
    numbers, correct = [], {name: [] for name in arguments.who}
    for seed in arguments.seeds:
        for name in arguments.who:
            began = time.perf_counter()
            encoder = encoders[name](train, training, seed)
            seconds = time.perf_counter() - began
            scores = evaluated(encoder, train, test, levels=levels, seed=seed)
            row = {
                "seed": seed,
                "who": name,
                "top1": scores.top1,
                "low": scores.top1_low,
                "high": scores.top1_high,
                "seconds": seconds,
                "images_per_second": steps * arguments.batch / seconds,
            }
            numbers.append(row)
            correct[name].append(scores.predictions == test.labels)
            print(
                f"seed {seed} {name:8s} top-1 {scores.top1:.1f} % [{scores.top1_low:.1f}, "
                f"{scores.top1_high:.1f}]  {seconds:.0f} s",
                flush=True,
            )
    difference = None
    if {"ours", "lightly"} <= set(arguments.who):
        # every seed's answer to every test image is one trial; the images are the same for both
        difference = paired_difference(
            np.concatenate(correct["ours"]), np.concatenate(correct["lightly"])
        )
        print("ours - lightly, all seeds: {:+.1f} points [{:+.1f}, {:+.1f}]".format(*difference))
    if arguments.output:
        settings = {key: str(value) for key, value in vars(arguments).items()}
        arguments.output.write_text(
            json.dumps(
                {"settings": settings, "numbers": numbers, "difference": difference}, indent=1
            )
            + "\n"
        )


if __name__ == "__main__":
    main()

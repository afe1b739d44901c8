"""Images per second of this machine for a study's encoder, image size and methods.

Measured are the steps of its trainings, on random images.
"""

import io
import logging
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from fourlenses.config.job_settings import with_views
from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.conversion.encode import encode
from fourlenses.data.loading.inputs import ResidentInput
from fourlenses.data.loading.resident import Images
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.probes.contract import LabelledFeatures
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.methods import build_method
from fourlenses.methods.method import DataInfo
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.models.architectures import build_architecture
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.parallel.devices import choose_device
from fourlenses.planning.throughput import LINEAR_CLASSES, START, Row
from fourlenses.planning.views import relative_cost
from fourlenses.study import Plan, parse_source
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.vocabulary import FROZEN_PROTOCOLS, RANDOM_INIT
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.settings import Hyperparameters
from fourlenses.training.step_config import StepConfig, choose_precision

log = logging.getLogger(__name__)
ALMOST_ALONE = 0.77  # share of a core's time, from which on other programs do not matter
WARM_UP = 1  # steps before the clock runs: the first allocates, and on a GPU chooses its kernels
# Images of a step at most; a larger batch is taken to be as fast. On a CPU it is.
MOST_ON_CPU, MOST_ON_GPU = 128, 256
CLASSES = 10


def device_name(device: torch.device) -> str:
    """Return the name of a device in the tables: letters, digits, dots and hyphens."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-") or "cpu"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else []
    return models[0] if models else platform.processor() or platform.machine()


def calibrate(config: dict, plan: Plan, seconds: float) -> list[Row]:
    """Measure every kind of work that a plan has.

    Reading images is left out: they are resident, as with `training.input: resident`.

    Args:
        config: completed.
        seconds: of each measurement.

    Returns:
        A row for each method, for features, linear classifiers, betons of the stored size, and the
        start of a job.
    """
    torch.set_num_threads(config["torch_threads"])
    measure = _Measurement(config, choose_device(config["device"]), seconds)
    trained = {run.method for run in plan.runs} - {RANDOM_INIT}
    if any(cell.protocol not in FROZEN_PROTOCOLS for cell in plan.cells):
        trained.add("supervised")
    # of several entries of a method, which differ in length, the last
    entries = {config["methods"][name]["method"]: name for name in sorted(trained)}
    rows = [measure.row(method, measure.training(name)) for method, name in entries.items()]
    rows += [measure.row("features", measure.features()), measure.row("linear", measure.linear())]
    variants = {part.variant for run in plan.runs for part in parse_source(run.source)} - {"clean"}
    betons: dict[str, str | None] = {"beton": None}
    betons |= {f"beton_{CORRUPTIONS[variant][0]}": variant for variant in sorted(variants)}
    rows += [
        measure.row(kind, measure.beton(variant), image_size=config["stored_size"])
        for kind, variant in betons.items()
    ]
    return [*rows, measure.start()]


class _Measurement:
    """Measurements on one device.

    Each kind of work is a function that returns how many images it processed.
    """

    def __init__(self, config: dict, device: torch.device, seconds: float) -> None:
        self.config, self.device, self.seconds = config, device, seconds
        self.size, self.stored = config["image_size"], config["stored_size"]
        self.most = MOST_ON_GPU if device.type == "cuda" else MOST_ON_CPU if self.size <= 96 else 16
        self.random = np.random.default_rng(0)
        self.images = torch.from_numpy(
            self.random.integers(0, 256, (2 * self.most, 3, self.stored, self.stored), np.uint8)
        )
        self.precision = choose_precision(config["training"]["precision"], device)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def row(self, kind: str, work: Callable[[], float], *, image_size: int | None = None) -> Row:
        """Measure the speed of some work.

        Args:
            image_size: px; that of the study where None.
        """
        for _ in range(WARM_UP):
            work()
        self._wait()
        images, began, cpu_began = 0.0, time.perf_counter(), time.process_time()
        while (spent := time.perf_counter() - began) < self.seconds or not images:
            images += work()
            self._wait()
        share = 1.0
        if self.device.type == "cpu":
            # CPU time: the core may be shared with other processes meanwhile
            computed = (time.process_time() - cpu_began) / self.config["torch_threads"]
            share, spent = computed / spent, computed
        log.info("%s: %.4g images/s", kind, images / spent)
        source = (
            f"measured by snakemake calibrate, {self.config['torch_threads']} thread(s), "
            f"batches of up to {self.most}"
        )
        if share < ALMOST_ALONE:
            said = f"had only {100 * share:.0f} % of a core's time; scaled to all of it"
            log.warning("%s: %s", kind, said)
            source += f"; {said}"
        return self._row(kind, images / spent, source, image_size=image_size)

    def _row(self, kind: str, speed: float, source: str, *, image_size: int | None = None) -> Row:
        return Row(
            device=device_name(self.device),
            backbone=self.config["backbone"],
            image_size=image_size or self.size,
            kind=kind,
            precision=str(self.precision).removeprefix("torch."),
            images_per_second=float(f"{speed:.5g}"),
            source=source,
        )

    def start(self) -> Row:
        """Measure what every job does before it computes: start Python, import torch and more."""
        rooms = ("probes", "finetuning")
        imports = ", ".join(f"fourlenses.evaluation.{room}.evaluate" for room in rooms)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {imports}"], check=True)
        after, spent = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
        if self.device.type == "cpu":
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        log.info("start of a job: %.1f s", spent)
        return self._row(START, 1 / spent, "measured by snakemake calibrate: imports")

    def training(self, name: str) -> Callable[[], float]:
        """A training step, as `Trainer` makes it: views, gradients, optimiser.

        An image counts as many as its views cost (`relative_cost`).
        """
        hyper = Hyperparameters.from_json(name, with_views(self.config["methods"][name]))
        channels_last = self.config["training"]["channels_last"]
        batch = min(hyper.batch_size, self.most)
        augmentations = [
            Augmentation.from_config(augmentation, self.config["augmentations"][augmentation])
            for augmentation in hyper.views
        ]
        views = [Augment(augmentation, self.size, 0) for augmentation in augmentations]
        labels = self.random.integers(0, CLASSES, len(self.images))
        data = Images(
            images=self.images,
            labels=labels,
            ids=np.arange(len(self.images), dtype=np.uint64),
            num_classes=CLASSES,
        )
        source = ResidentInput(data, views, self.device)
        encoder, width = self._encoder()
        info = DataInfo(images=len(self.images), num_classes=CLASSES, batch_size=batch, seed=0)
        method = build_method(hyper.method, encoder, width, settings=hyper.method_keys, info=info)
        set_batch_norm(method, 1)
        engine = StepConfig(self.device, self.precision, channels_last=channels_last)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        method.to(self.device).to(memory_format=layout).train()
        optimizer = build_optimizer(
            hyper.optimizer,
            method,
            learning_rate=1e-4,
            momentum=hyper.momentum,
            weight_decay=hyper.weight_decay,
        )
        batches = source.batches(self._positions(batch))
        on_device = torch.from_numpy(labels[:batch]).to(self.device)

        whole = {**self.config["methods"][name], "progressive_sizes": [1]}  # as measured here
        cost = relative_cost(whole, self.config["augmentations"], self.size)

        def step() -> float:
            optimizer.zero_grad()
            _, _, targets = add_gradients(
                method,
                engine.arrange(next(batches)),
                on_device,
                micro_batch=0,
                autocast=engine.autocast(),
            )
            optimizer.step()
            method.after_step(targets, 0, 1000)
            return batch * cost

        return step

    def _encoder(self) -> tuple[nn.Module, int]:
        sizes = any("size" in each for each in self.config["augmentations"].values())
        return build_architecture(
            self.config["backbone"], seed=0, image_size=self.size, several_sizes=sizes
        )

    def _positions(self, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        epoch = 0
        while True:
            yield self.random.permutation(len(self.images))[:batch], np.full(batch, epoch, np.int64)
            epoch += 1

    def features(self) -> Callable[[], int]:
        """A forward pass of the encoder."""
        encoder, _ = self._encoder()
        squares = self.images[: self.most, :, : self.size, : self.size].contiguous()
        if squares.shape[-1] < self.size:
            squares = torch.zeros(self.most, 3, self.size, self.size, dtype=torch.uint8)
        encoder.to(self.device).eval()
        return lambda: len(extract_features(encoder, squares, self.most, device=self.device))

    def linear(self) -> Callable[[], int]:
        """A linear classifier of `LINEAR_CLASSES` classes at all its L2 strengths.

        On noisy class means, which are nearly as hard as features.
        """
        settings, labels = self.config["evaluation"], 20 * LINEAR_CLASSES
        _, width = self._encoder()
        classes = self.random.permutation(np.arange(labels) % LINEAR_CLASSES)
        means = self.random.normal(size=(LINEAR_CLASSES, width))
        noisy = means[classes] + 3 * self.random.normal(size=(labels, width))
        features = torch.from_numpy(noisy.astype(np.float32))
        few = slice(0, LINEAR_CLASSES)

        def fit() -> int:
            linear_probe(
                LabelledFeatures(features, classes),
                LabelledFeatures(features[few], classes[few]),
                {"all": np.arange(labels)},
                levels=LabelLevels.of_classes(LINEAR_CLASSES),
                l2=settings["linear"]["l2"],
                validation_fraction=settings["validation_fraction"],
                seed=0,
                device=self.device,
            )
            return labels

        return fit

    def beton(self, variant: str | None) -> Callable[[], int]:
        """The conversion of a JPEG with the stored size as its shortest side, 4:3."""
        few = self.stored // 6 + 8  # pixels of noise, enlarged: neither flat nor noise
        small = self.random.integers(0, 256, (few, few * 4 // 3, 3), np.uint8)
        picture = Image.fromarray(small).resize(
            (self.stored * 4 // 3, self.stored), Image.Resampling.BICUBIC
        )
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=90)

        def write() -> int:
            encode(buffer.getvalue(), self.stored, corruption=variant, image_id=0)
            return 1

        return write

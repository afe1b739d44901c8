"""Images per second of this machine, for a study's encoder, image size and methods: its own training steps on made-up images."""

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

from fourlenses.data.augment.augment import Augment
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.data.conversion.encode import encode
from fourlenses.data.loading.inputs import ResidentInput
from fourlenses.data.loading.resident import Images
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.methods import build_method
from fourlenses.methods.method import DataInfo
from fourlenses.models.backbones import build_backbone
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.parallel.devices import choose_device
from fourlenses.planning.throughput import LINEAR_CLASSES, Row
from fourlenses.study import Plan, parse_source
from fourlenses.study.corruptions import CORRUPTIONS
from fourlenses.study.vocabulary import FROZEN_PROTOCOLS, RANDOM_INIT
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.step_config import StepConfig, choose_precision

log = logging.getLogger(__name__)
WARM_UP = 1  # steps before the clock runs: the first allocates, and on a GPU chooses its kernels
# Images of one step at most; a larger batch is reckoned at the same speed. On a CPU larger ones are not faster.
MOST_ON_CPU, MOST_ON_GPU = 128, 256
CLASSES = 10


def device_name(device: torch.device) -> str:
    """As the tables name it: of letters, digits, dots and hyphens."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-") or "cpu"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else []
    return models[0] if models else platform.processor() or platform.machine()


def calibrate(config: dict, plan: Plan, seconds: float) -> list[Row]:
    """A row for each method of the plan, features, linear classifiers, and betons of the stored size; ``seconds`` for each.

    config: completed. What reads images is left out: they are resident, as in `training.input: resident`.
    """
    torch.set_num_threads(config["torch_threads"])
    device = choose_device(config["device"])
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    made = _Measurement(config, device, seconds, wait)
    trained = {run.method for run in plan.runs} - {RANDOM_INIT}
    if any(cell.protocol not in FROZEN_PROTOCOLS for cell in plan.cells):
        trained.add("supervised")
    rows = [
        made.row(config["methods"][name]["method"], made.training(name)) for name in sorted(trained)
    ]
    rows = list(
        {row.kind: row for row in rows}.values()
    )  # an entry of the same method at another duration is as fast
    rows += [made.row("features", made.features()), made.row("linear", made.linear())]
    variants = {part.variant for run in plan.runs for part in parse_source(run.source)} - {"clean"}
    families = {f"beton_{CORRUPTIONS[variant][0]}": variant for variant in sorted(variants)}
    rows += [
        made.row(kind, made.beton(variant), config["stored_size"])
        for kind, variant in {"beton": None, **families}.items()
    ]
    return [*rows, made.start()]


class _Measurement:
    def __init__(
        self, config: dict, device: torch.device, seconds: float, wait: Callable[[], None]
    ) -> None:
        self.config, self.device, self.seconds, self.wait = config, device, seconds, wait
        self.size, self.stored = config["image_size"], config["stored_size"]
        self.most = MOST_ON_GPU if device.type == "cuda" else MOST_ON_CPU if self.size <= 96 else 16
        self.random = np.random.default_rng(0)
        self.images = torch.from_numpy(
            self.random.integers(0, 256, (2 * self.most, 3, self.stored, self.stored), np.uint8)
        )
        training = config["training"]
        self.precision = choose_precision(training["precision"], device)

    def row(self, kind: str, work: Callable[[], int], image_size: int | None = None) -> Row:
        """The speed of ``work``, which returns how many images it did."""
        for _ in range(WARM_UP):
            work()
        self.wait()
        done, began, computed = 0, time.perf_counter(), time.process_time()
        while (spent := time.perf_counter() - began) < self.seconds or not done:
            done += work()
            self.wait()
        if (
            self.device.type == "cpu"
        ):  # what a core gave, however many other processes it was shared with meanwhile
            computed = (time.process_time() - computed) / self.config["torch_threads"]
            if spent > 1.3 * computed:
                log.warning(
                    "%s: only %d %% of a core's time was to be had; reckoned as if it were all",
                    kind,
                    100 * computed / spent,
                )
            spent = computed
        speed = done / spent
        log.info("%s: %.4g images/s", kind, speed)
        said = f"measured by snakemake calibrate, {self.config['torch_threads']} thread(s), batches of up to {self.most}"
        return self._row(kind, image_size or self.size, speed, said)

    def _row(self, kind: str, image_size: int, speed: float, said: str) -> Row:
        precision = str(self.precision).removeprefix("torch.")
        return Row(
            device_name(self.device),
            self.config["backbone"],
            image_size,
            kind,
            precision,
            float(f"{speed:.5g}"),
            said,
        )

    def start(self) -> Row:
        """What every job does before it computes: start Python and import torch and the evaluation."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import fourlenses.evaluation.probes.evaluate, fourlenses.evaluation.finetuning.evaluate",
            ],
            check=True,
        )
        after, spent = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
        if self.device.type == "cpu":
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        log.info("start of a job: %.1f s", spent)
        return self._row("start", self.size, 1 / spent, "measured by snakemake calibrate: imports")

    def training(self, name: str) -> Callable[[], int]:
        """A step as `Trainer` makes it: views, gradients, optimiser."""
        hyper, config = self.config["methods"][name], self.config["training"]
        batch = min(hyper["batch_size"], self.most)
        views = [
            Augment(Augmentation.from_config(recipe, self.config["views"][recipe]), self.size, 0)
            for recipe in hyper["views"]
        ]
        labels = self.random.integers(0, CLASSES, len(self.images))
        data = Images(self.images, labels, np.arange(len(self.images), dtype=np.uint64), CLASSES)
        source = ResidentInput(data, views, self.device)
        encoder, width = build_backbone(self.config["backbone"], 0)
        method = build_method(
            hyper["method"], encoder, width, hyper, DataInfo(len(self.images), CLASSES, batch, 0)
        )
        set_batch_norm(method, 1)
        engine = StepConfig(self.device, self.precision, config["channels_last"])
        method.to(
            self.device,
            memory_format=torch.channels_last
            if config["channels_last"]
            else torch.contiguous_format,
        ).train()
        optimizer = build_optimizer(
            hyper["optimizer"], method, 1e-4, hyper["momentum"], hyper["weight_decay"]
        )
        batches = source.batches(self._positions(batch))
        on_device = torch.from_numpy(labels[:batch]).to(self.device)

        def step() -> int:
            optimizer.zero_grad()
            _, _, targets = add_gradients(
                method, engine.arrange(next(batches)), on_device, 0, engine.autocast()
            )
            optimizer.step()
            method.after_step(targets, 0, 1000)
            return batch

        return step

    def _positions(self, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        epoch = 0
        while True:
            yield self.random.permutation(len(self.images))[:batch], np.full(batch, epoch, np.int64)
            epoch += 1

    def features(self) -> Callable[[], int]:
        encoder, _ = build_backbone(self.config["backbone"], 0)
        squares = self.images[: self.most, :, : self.size, : self.size].contiguous()
        if squares.shape[-1] < self.size:
            squares = torch.zeros(self.most, 3, self.size, self.size, dtype=torch.uint8)
        encoder.to(self.device).eval()
        return lambda: len(extract_features(encoder, squares, self.most, self.device))

    def linear(self) -> Callable[[], int]:
        """All strengths of a classifier of `LINEAR_CLASSES` classes on noisy class means: as hard as features, nearly."""
        settings, labels = self.config["evaluation"], 20 * LINEAR_CLASSES
        _, width = build_backbone(self.config["backbone"], 0)
        classes = self.random.permutation(np.arange(labels) % LINEAR_CLASSES)
        means = self.random.normal(size=(LINEAR_CLASSES, width))
        features = torch.from_numpy(
            (means[classes] + 3 * self.random.normal(size=(labels, width))).astype(np.float32)
        )
        table, name = np.arange(LINEAR_CLASSES)[:, None], ["class"]
        few = slice(0, LINEAR_CLASSES)

        def fit() -> int:
            linear_probe(
                features,
                classes,
                features[few],
                classes[few],
                {"all": np.arange(labels)},
                settings["strengths"],
                settings["validation_fraction"],
                0,
                LINEAR_CLASSES,
                table,
                name,
                self.device,
            )
            return labels

        return fit

    def beton(self, variant: str | None) -> Callable[[], int]:
        """A JPEG of the stored size, as an image whose shortest side is that has 4:3."""
        few = self.stored // 6 + 8  # pixels of noise, enlarged: neither flat nor noise
        small = self.random.integers(0, 256, (few, few * 4 // 3, 3), np.uint8)
        picture = Image.fromarray(small).resize(
            (self.stored * 4 // 3, self.stored), Image.Resampling.BICUBIC
        )
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=90)

        def write() -> int:
            encode(buffer.getvalue(), self.stored, variant, 0)
            return 1

        return write

"""The memory of the jobs of a plan, from the config.

Standard library only, unless a network is none of the vocabulary's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from fourlenses.config.encoders import stored_size
from fourlenses.core.machine.memory import memory_limit
from fourlenses.data.augment.augmentation import Augmentation
from fourlenses.planning.memory import formulas
from fourlenses.planning.memory.formulas import MB, Training
from fourlenses.planning.memory.networks import image_bytes
from fourlenses.planning.networks import backbone, network_of
from fourlenses.planning.sizes import Size
from fourlenses.study import Run
from fourlenses.study.durations import (
    FINETUNING_KEYS,
    PRETRAINING_KEYS,
    finetuning_length,
    pretraining_length,
)
from fourlenses.study.vocabulary import METHODS, PROTOCOLS
from fourlenses.workflow.needs import WRITER_THREADS, evaluation_memory

# MB that the jobs of a rule ask for, by the rule's name
Asked = Mapping[str, int]


@dataclass(frozen=True)
class Peak:
    """The most memory that a job takes; None: not known.

    Args:
        host: bytes, of all its processes on one node together.
        gpu: bytes of each GPU that it trains on, without CUDA's context.
        asks: MB that the rule asks for this job alone, unless a profile says otherwise.
    """

    host: float | None = None
    gpu: float | None = None
    asks: int | None = None


@dataclass(frozen=True, kw_only=True)
class TargetSizes:
    """A dataset that features are evaluated on.

    Args:
        images: labelled and test images that features are taken of.
        labels: of the largest subset.
        tested: test images.
        classes: of the dataset.
        neighbours: kNN is among the protocols.
    """

    images: int
    labels: int
    tested: int
    classes: int
    neighbours: bool


class JobMemory:
    """The memory of each kind of job.

    Args:
        config: completed.
        on_gpu: trainings and encoders run on GPUs.
        asked: MB by rule, which limits what resident images may take; else the machine's memory.
    """

    def __init__(self, config: dict, *, on_gpu: bool, asked: Asked) -> None:
        self.config, self.on_gpu, self.asked = config, on_gpu, asked

    @cached_property
    def _machine(self) -> int:
        """Bytes of this machine, or of the limit of this process: read once, it takes 1 ms."""
        return memory_limit().bytes

    def beton(self, size: Size, stored: int) -> Peak:
        """Return that of writing a beton. stored: px.

        Images that are shrunk need torch. Of a dataset whose sizes are not known it is assumed.
        """
        if size.images is None:
            return Peak()
        whole = max(size.pixels[0] * size.pixels[1], stored**2) if size.pixels else 2 * stored**2
        shrunk = size.pixels is None or min(size.pixels) > stored
        base = formulas.TORCH + formulas.SHRINKING if shrunk else formulas.INTERPRETER
        in_work = 4 * WRITER_THREADS * 3 * whole  # as read, decoded, scaled and encoded
        return Peak(base + in_work + formulas.INDEXED_IMAGE * size.images)

    def pretraining(self, run: Run, images: int | None, *, classes: int, parts: int) -> Peak:
        """Return that of a pretraining on some images of some datasets."""
        hyper, settings = self.config["methods"][run.method], self.config["training"]
        if images is None:
            return Peak()
        devices = settings["processes"] * settings["nodes"]
        given = {key: hyper[key] for key in PRETRAINING_KEYS if key in hyper}
        batch = pretraining_length(images, **given, processes=devices).batch_size
        architecture, side = network_of(self.config, run)
        known = backbone(architecture, side)
        method = METHODS[hyper["method"]]
        momentum = "ema_momentum" in hyper
        head = head_parameters(hyper, width=known.width, classes=classes)
        # forward and backward count 3, a momentum encoder's view 1 more
        trained = (method.passes or 0) / (4 if momentum else 3) / method.views
        sides = self._views(hyper, side)
        sizes = Training(
            trained=known.parameters + head,
            copied=known.parameters + head if momentum else 0,
            optimizer=hyper["optimizer"],
            view_images=tuple(
                (view, round(trained * _at_once(batch // devices, hyper))) for view in sides
            ),
            views=tuple((view, batch // devices) for view in sides),
            network=image_bytes(architecture, side),
            loss=loss_bytes(hyper, rows=batch // devices, batch=batch, images=images),
            images=images,
            stored=stored_size(self.config, run),
            parts=parts,
        )
        watched = settings["monitor_images"] * sizes.network.forward
        return self._training("pretrain", sizes, settings["processes"], watched=watched)

    def evaluation_training(
        self, encoder: Run, protocol: str, labels: int | None, *, size: Size
    ) -> Peak:
        """Return that of a protocol that trains, on some labels of a dataset."""
        evaluation = self.config["evaluation"]
        hyper, processes = evaluation[protocol], evaluation["processes"]
        if labels is None or size.test is None:
            return Peak()
        given = {key: hyper[key] for key in FINETUNING_KEYS if key in hyper}
        batch = finetuning_length(labels, **given, processes=processes).batch_size // processes
        architecture, side = network_of(self.config, encoder)
        known, network = backbone(architecture, side), image_bytes(architecture, side)
        trained = known.width * (size.classes or 0)
        if PROTOCOLS[protocol].frozen:
            network = replace(network, training=network.forward)
        else:
            trained += known.parameters
        sides, stored = self._views(hyper, side), stored_size(self.config, encoder)
        sizes = Training(
            trained=trained,
            copied=known.parameters + known.width * (size.classes or 0) - trained,
            optimizer=hyper["optimizer"],
            view_images=tuple((view, _at_once(batch, hyper)) for view in sides),
            views=tuple((view, batch) for view in sides),
            network=network,
            images=labels,
            stored=stored,
        )
        scored = formulas.extraction(
            network, side=side, stored=stored, images=formulas.BATCH, on_gpu=self.on_gpu
        )
        peak = self._training("train_evaluate", sizes, processes, watched=scored)
        return Peak((peak.host or 0) + processes * formulas.SCORING, peak.gpu)

    def untrained(self, run: Run, *, imported: bool) -> Peak:
        """Return that of a job that writes an encoder as it is; imported: read from a file."""
        known = backbone(*network_of(self.config, run))
        copies, base = (3, formulas.EVALUATING) if imported else (2, 0)
        return Peak(formulas.TORCH + base + copies * formulas.FLOAT * known.parameters)

    def features(self, run: Run, targets: Sequence[TargetSizes | None]) -> Peak:
        """Return that of an evaluation on features; None: a target whose size is unknown."""
        known = [target for target in targets if target is not None]
        if len(known) < len(targets):
            return Peak()
        networks = [network_of(self.config, encoder) for encoder in run.encoders]
        width = sum(backbone(*network).width for network in networks)
        asks = evaluation_memory(self.config, run)
        budget = formulas.CLASSIFIER_SHARE * self.asked.get("evaluate", asks) * MB
        most = 0.0
        for target in known:
            for encoder, (architecture, side) in zip(run.encoders, networks, strict=True):
                extracted = formulas.extraction(
                    image_bytes(architecture, side),
                    side=side,
                    stored=stored_size(self.config, encoder),
                    images=target.images,
                    on_gpu=self.on_gpu,
                )
                most = max(most, extracted)
            if not self.on_gpu:
                most = max(most, self._fit(target, width, budget))
        weights = formulas.FLOAT * sum(backbone(*network).parameters for network in networks)
        base = formulas.TORCH + formulas.EVALUATING + (formulas.CUDA if self.on_gpu else 0)
        return Peak(base + weights + most, asks=asks)

    def _fit(self, target: TargetSizes, width: int, budget: float) -> float:
        """Return that of a classifier or a search. budget: bytes that a classifier may take."""
        fit = formulas.linear_fit(
            target.labels, width=width, classes=target.classes, tested=target.tested
        )
        search = formulas.nearest_neighbours(target.labels, width=width, tested=target.tested)
        return max(min(fit, budget), search if target.neighbours else 0.0)

    def _training(self, rule: str, sizes: Training, processes: int, *, watched: float) -> Peak:
        """Return that of a job of several processes on one node."""
        asked = self.asked.get(rule)
        room = asked * MB if asked else self._machine
        setting = self.config["training"]["input"] if rule == "pretrain" else "auto"
        resident = sizes.is_resident(setting, room / processes - formulas.TORCH)
        if not self.on_gpu:
            one = formulas.training_on_cpu(sizes, resident=resident, watched=watched)
            return Peak(processes * one)
        half = self.config["training"]["precision"] != "float32"
        return Peak(
            processes * formulas.host_of_gpu_training(sizes, resident=resident),
            formulas.training_on_gpu(sizes, resident=resident, half=half),
        )

    def _views(self, hyper: dict, side: int) -> list[int]:
        """Return the side of each view, px, at its largest. side: of the encoder's images."""
        share = max(hyper.get("progressive_sizes", [1]))
        named = ((name, self.config["augmentations"][name]) for name in hyper["augmentations"])
        views = (Augmentation.from_config(name, settings) for name, settings in named)
        return [int(view.at_share(share, side).size or side) for view in views]


def _at_once(batch: int, hyper: dict) -> int:
    """Return the images of a batch that are in the network at once."""
    return min(batch, hyper["micro_batch"] or batch)


def head_parameters(hyper: dict, *, width: int, classes: int) -> int:
    """Return the weights of a method's heads.

    Args:
        hyper: an entry of `methods`.
        width: of the features.
        classes: of the labels, for a method that learns from them.
    """
    if "projection_out" not in hyper:
        return width * classes
    layers, out = hyper.get("projection_layers", 2), hyper["projection_out"]
    sides = [width, *[hyper["projection_hidden"]] * (layers - 1), out]
    maps = sum(before * after for before, after in pairwise(sides))
    return maps + 2 * out * hyper.get("prediction_hidden", 0)


def loss_bytes(hyper: dict, *, rows: int, batch: int, images: int) -> float:
    """Return the bytes of the matrices of a method's loss, and of its queue.

    Args:
        hyper: an entry of `methods`.
        rows: source images of this process.
        batch: of all.
        images: of the training set, half of which bounds a queue.
    """
    out = hyper.get("projection_out", 0)
    queue = min(hyper.get("queue_size", 0), images // 2)
    matrices = {
        "simclr": 3 * 2 * rows * 2 * batch,  # similarities, their softmax, its gradient
        "moco": 3 * rows * queue + queue * out,
        "barlow_twins": 3 * out**2,
        "vicreg": 3 * 2 * out**2,
    }
    return formulas.FLOAT * matrices.get(hyper["method"], 0)

"""One pretraining run: from betons and settings to an encoder, a head, a history and a record of what was effective."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.core.randomness import named_seed
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.beton.staging import staged
from fourlenses.data.loading.inputs import Part, choose_input, load_squares
from fourlenses.methods import build_method
from fourlenses.methods.method import DataInfo, Method
from fourlenses.models.backbones import build_backbone
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.parallel.devices import choose_device
from fourlenses.parallel.distributed import check_in_first, joined_processes, rank, world_size
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.lock import LockLost, TrainingLock
from fourlenses.resume.requeue import requeued_when_out_of_time
from fourlenses.resume.restart_log import RestartLog
from fourlenses.resume.result_cache import ResultCache
from fourlenses.resume.time_limit import TimeLimit
from fourlenses.study.durations import PRETRAINING_KEYS, batch_unit, pretraining_length
from fourlenses.study.layout import ENCODER, HEAD, HISTORY, RUN
from fourlenses.training.collapse_monitor import CollapseMonitor, choose_monitored_images
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.record import write_run
from fourlenses.training.schedule import scaled_learning_rate
from fourlenses.training.step_config import StepConfig, choose_precision
from fourlenses.training.trainer import Outcome, Schedule, Trainer

log = logging.getLogger(__name__)
OUTPUTS = (ENCODER, HEAD, HISTORY, RUN)
HEALTH_BATCH = 128


@dataclass(frozen=True)
class Settings:
    """Everything that has a say in the final weights, besides the images. hyperparameters and recipes are those of config.yaml.

    method: the entry of the config; hyperparameters["method"] is the method itself, if that has another name.
    precision: float32, bfloat16, or auto: bfloat16 on a GPU. compile: let torch.compile work on the encoder.
    health_images: how many images the encoder's health is measured on, 0 for none; they change no weight.
    """

    method: str
    backbone: str
    source: str
    seed: int
    stored_size: int
    image_size: int
    torch_threads: int
    hyperparameters: dict
    recipes: dict
    precision: str = "float32"
    channels_last: bool = True
    compile: bool = False
    health_images: int = 0


@dataclass(frozen=True)
class Data:
    """What to pretrain on, part by part: the parts' dataset names, their betons, and files of the manifest rows to use of each."""

    datasets: list[str]
    betons: list[Path]
    subsets: list[Path]

    def parts(self) -> list[Part]:
        rows = [np.load(subset, allow_pickle=False) for subset in self.subsets]
        return list(zip(self.betons, rows, self.datasets, strict=True))

    def fingerprints(self) -> list[dict]:
        """The beton's hash is that of its sidecar: hashing 200 GB again for every run would take longer than starting it."""
        prints = []
        for dataset, beton, subset in zip(self.datasets, self.betons, self.subsets, strict=True):
            sidecar = beton.with_suffix(".json")
            known = read_json(sidecar)["content_sha256"] if sidecar.exists() else None
            rows = hashlib.sha256(subset.read_bytes()).hexdigest()
            prints.append(
                {
                    "dataset": dataset,
                    "beton": beton.name,
                    "beton_sha256": known,
                    "subset_sha256": rows,
                }
            )
        return prints


@dataclass(frozen=True)
class Placement:
    """Where and how a run is made, which changes no number beyond what docs/reference/pretraining.md states.

    device: auto, cpu, cuda. input: auto, resident, streaming. max_minutes: of this attempt, None for no limit. requeue: when they are over,
    have SLURM run this job again. stage_to: the folder on the node's disk that betons are copied to (`staging.staged`), "" for none.
    """

    checkpoints: Path
    device: str = "auto"
    input: str = "auto"
    workers: int = 1
    checkpoint_seconds: float = 600
    max_minutes: float | None = None
    requeue: bool = False
    stage_to: str = ""


def run_key(settings: Settings, fingerprints: list[dict]) -> str:
    """A short hash of the settings and the images; checkpoints of one key never meet a run of another."""
    return hashlib.sha256(
        json.dumps([asdict(settings), fingerprints], sort_keys=True).encode()
    ).hexdigest()[:16]


def pretrain(settings: Settings, data: Data, placement: Placement, output: Path) -> None:
    """Train and write ``encoder.safetensors``, ``head.safetensors``, ``history.csv`` and, last, ``run.json`` into ``output``. Where the
    same training has finished before, its files are put there instead (`ResultCache`).

    The method ``random`` trains nothing: its encoder is the initialisation that every other method of this seed starts from.

    Raises:
        UserError: see `Trainer.train`; also where another job is training into the same directory of checkpoints, and where the last
            attempts made no progress.
        Interrupted: the time is over; a checkpoint has been taken.
    """
    torch.set_num_threads(settings.torch_threads)
    fingerprints = data.fingerprints()
    checkpoints = Checkpoints(placement.checkpoints / run_key(settings, fingerprints))
    budget = TimeLimit(placement.max_minutes)
    with requeued_when_out_of_time(placement.requeue, budget), contextlib.ExitStack() as stack:
        device = stack.enter_context(joined_processes(choose_device(placement.device)))
        if settings.method == "random":
            if rank() == 0:
                encoder, _ = build_backbone(settings.backbone, named_seed(settings.seed, "encoder"))
                write_run(
                    output, settings, encoder, torch.nn.Identity(), Outcome(), {}, [], [], device
                )
            return
        stack.enter_context(budget)
        owner = TrainingLock(checkpoints.directory)
        betons = {
            f"{part['dataset']}/{part['beton']}": part["beton_sha256"] for part in fingerprints
        }
        finished = ResultCache(
            checkpoints.directory, {name: output / name for name in OUTPUTS}, device, betons
        )
        if rank() == 0:
            stack.enter_context(owner)
        if (
            finished.put_back()
        ):  # the others wait in there, and look for checkpoints only once this run owns them
            return
        state = checkpoints.newest()
        attempts = RestartLog(checkpoints.directory)
        if rank() == 0:
            stack.enter_context(attempts.attempt(f"step {state['step'] if state else 0}"))
        stack.enter_context(finished.by_another())
        data = replace(data, betons=stack.enter_context(staged(data.betons, placement.stage_to)))
        # an interrupted run goes on with the kind of input that it had
        kind = state["input"] if state and placement.input == "auto" else placement.input
        verify = partial(check_in_first, owner.verify, LockLost, device)
        trainer, width, notes = _prepare(
            settings, data, placement, kind, device, checkpoints, budget, verify
        )
        outcome = trainer.train(state)
        verify()
        if rank() == 0:
            method, effective = trainer.method, _effective(settings, trainer, outcome, width)
            finished.keep(
                lambda folder: write_run(
                    folder,
                    settings,
                    method.encoder,
                    method.head,
                    outcome,
                    effective,
                    fingerprints,
                    notes,
                    device,
                )
            )
            attempts.clear()
            checkpoints.clear()


def _prepare(
    settings: Settings,
    data: Data,
    placement: Placement,
    kind: str,
    device: torch.device,
    checkpoints: Checkpoints,
    budget: TimeLimit,
    verify: Callable[[], None],
) -> tuple[Trainer, int, list[str]]:
    """Everything of a run but the training; with the width of the encoder's features and what had to be adapted."""
    hyper, seed = settings.hyperparameters, _seed(settings)
    parts = data.parts()
    views = [Augment(_recipe(settings, name), settings.image_size, seed) for name in hyper["views"]]
    source = choose_input(kind, parts, settings.stored_size, views, device, placement.workers)
    images = len(source.labels)
    schedule, notes = make_schedule(hyper, images)
    encoder, width = build_backbone(settings.backbone, named_seed(settings.seed, "encoder"))
    facts = DataInfo(
        images, source.num_classes, schedule.batch_size, named_seed(settings.seed, "head")
    )
    method = build_method(hyper.get("method", settings.method), encoder, width, hyper, facts)
    set_batch_norm(method, hyper["batch_norm_groups"])
    if settings.compile:
        encoder.compile()
    engine = StepConfig(
        device,
        choose_precision(settings.precision, device),
        settings.channels_last,
        hyper["micro_batch"],
    )
    optimizer = build_optimizer(
        hyper["optimizer"],
        method,
        schedule.peak_learning_rate,
        hyper["momentum"],
        hyper["weight_decay"],
    )
    measure = _health(settings, method, parts, source.labels, placement.workers, device)
    description = f"{settings.method}/{settings.source}/seed{settings.seed}"
    log.info(
        "%s: %d images, %d steps of %d, peak learning rate %.4g, %s input, on %s",
        description,
        images,
        schedule.total_steps,
        schedule.batch_size,
        schedule.peak_learning_rate,
        source.kind,
        device,
    )
    trainer = Trainer(
        method,
        optimizer,
        source,
        schedule,
        engine,
        seed,
        checkpoints,
        placement.checkpoint_seconds,
        budget,
        description,
        measure,
        verify,
    )
    return trainer, width, notes + method.notes


def _effective(settings: Settings, trainer: Trainer, outcome: Outcome, width: int) -> dict:
    """The hyperparameters as they were in the end."""
    images = len(trainer.labels)
    return {
        **settings.hyperparameters,
        **asdict(trainer.schedule),
        "images": images,
        "classes": trainer.data.num_classes,
        "feature_width": width,
        "effective_epochs": outcome.images / images,
        "precision": str(trainer.engine.precision).removeprefix("torch."),
        "input": trainer.data.kind,
        "processes": world_size(),
    }


def _seed(settings: Settings) -> int:
    """Of batches and views."""
    return named_seed(settings.seed, "training")


def _recipe(settings: Settings, name: str) -> Augmentation:
    return Augmentation.from_config(name, settings.recipes[name])


def _health(
    settings: Settings,
    method: Method,
    parts: list[Part],
    labels: np.ndarray,
    workers: int,
    device: torch.device,
) -> Callable[[], dict[str, float]] | None:
    """A function that measures encoder and head on a fixed few of the images, without augmentation."""
    if settings.health_images < 2:
        return None
    chosen = choose_monitored_images(settings.health_images, len(labels), _seed(settings))
    recipe = _recipe(settings, settings.hyperparameters["views"][0])
    images = load_squares(parts, chosen, settings.image_size, workers)
    health = CollapseMonitor(images, labels[chosen], recipe.mean, recipe.std, device, HEALTH_BATCH)
    return lambda: health.measure(method.encoder, method.head)


def make_schedule(hyper: dict, images: int) -> tuple[Schedule, list[str]]:
    """Return the schedule of a pretraining, and sentences on what was fitted to the data.

    Raises:
        UserError: the batch cannot be divided among the processes and groups of batch norm.
    """
    unit = batch_unit(hyper["batch_norm_groups"], world_size())
    if hyper["batch_size"] % unit or images < unit:
        raise UserError(
            f"'batch_size' {hyper['batch_size']} (of {images} images) cannot be divided among "
            f"{world_size()} processes and 'batch_norm_groups' {hyper['batch_norm_groups']}; make "
            f"it a multiple of {unit} or lower them"
        )
    given = {key: hyper[key] for key in PRETRAINING_KEYS if key in hyper}
    length = pretraining_length(images, **given, processes=world_size())
    notes = []
    if length.batch_size < hyper["batch_size"]:
        notes.append(
            f"batch_size {hyper['batch_size']} clamped to {length.batch_size}, as there are "
            f"{images} images"
        )
        log.warning(notes[-1])
    rate = scaled_learning_rate(hyper["learning_rate"], length.batch_size, hyper["lr_scaling"])
    return Schedule(length.batch_size, length.steps, length.warmup_steps, rate), notes

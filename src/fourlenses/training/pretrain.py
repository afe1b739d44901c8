"""One pretraining: from betons and settings to an encoder, a head, a history and a record."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import named_seed
from fourlenses.data.augment.augment import Augment, Augmentation
from fourlenses.data.loading.inputs import Input, Part, ViewedInput, choose_input, load_squares
from fourlenses.data.loading.progressive import ProgressiveInput, views_in_parts
from fourlenses.methods import build_method
from fourlenses.methods.method import DataInfo, Method
from fourlenses.models.architectures import (
    build_architecture,
    check_image_size,
    is_convolutional,
)
from fourlenses.models.batch_norm import set_batch_norm
from fourlenses.models.weights import load_weights
from fourlenses.parallel.devices import choose_device
from fourlenses.parallel.distributed import joined_processes, rank, world_size
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.placement import Placement
from fourlenses.resume.session import Session, resumable_training
from fourlenses.study.layout import ENCODER, HEAD, HISTORY, RUN
from fourlenses.training.collapse_monitor import CollapseMonitor, choose_monitored_images
from fourlenses.training.record import RunRecord, write_run
from fourlenses.training.schedule import pretraining_schedule
from fourlenses.training.settings import (
    Hyperparameters,
    PretrainingSettings,
    TrainingData,
    run_key,
)
from fourlenses.training.trainer import Outcome, Trainer
from fourlenses.training.trainer_setup import Arithmetic, set_up_trainer

OUTPUTS = (ENCODER, HEAD, HISTORY, RUN)
MONITOR_BATCH = 128  # images that the collapse monitor embeds at a time


def pretrain(
    settings: PretrainingSettings, data: TrainingData, *, placement: Placement, output: Path
) -> None:
    """Train, and write the `OUTPUTS` into ``output``, ``run.json`` last.

    Where the same training has finished before, its files are put there instead. An entry without
    hyper-parameters trains nothing: its encoder is the initialisation that every other entry of
    this seed starts from.

    Raises:
        UserError: see `Trainer.train`; also where another job is training into the same directory
            of checkpoints, and where the last attempts made no progress.
        Interrupted: the time limit is over; a checkpoint has been taken.
    """
    torch.set_num_threads(settings.torch_threads)
    hyper = settings.hyperparameters
    if hyper is None:
        _write_untrained(settings, placement, output)
        return
    fingerprints = data.fingerprints()
    directory = placement.checkpoints / run_key(settings, fingerprints)
    outputs = {name: output / name for name in OUTPUTS}
    betons = {f"{part['dataset']}/{part['beton']}": part["beton_sha256"] for part in fingerprints}
    with resumable_training(directory, placement, outputs=outputs, made_from=betons) as session:
        if session.finished:
            return
        checkpoints = Checkpoints(directory)
        state = session.newest(checkpoints)
        start = f"step {state['step'] if state else 0}"
        with session.attempt(lambda: start, data.betons) as copies:
            # an interrupted run continues with the kind of input that it had
            kind = state["input"] if state and placement.input == "auto" else placement.input
            parts = TrainingData(data.datasets, copies, data.subsets).parts()
            encoder, width = _first_encoder(settings, data.start)
            run = _prepare(
                settings,
                hyper,
                parts,
                encoder=encoder,
                feature_width=width,
                kind=kind,
                first_step=state["step"] if state else 0,
                session=session,
                checkpoints=checkpoints,
            )
            outcome = run.trainer.train(state)
            record = RunRecord(
                settings=settings,
                outcome=outcome,
                effective=_effective(hyper, run, outcome),
                fingerprints=fingerprints,
                notes=run.notes,
                device=session.device,
            )
            method = run.trainer.method

            def write(folder: Path) -> None:
                write_run(folder, encoder=method.encoder, head=method.head, run=record)

            session.finish(write, checkpoints.clear)


def _write_untrained(settings: PretrainingSettings, placement: Placement, output: Path) -> None:
    with joined_processes(choose_device(placement.device)) as device:
        if rank() == 0:
            encoder, _ = _first_encoder(settings, None)
            record = RunRecord(settings=settings, outcome=Outcome(), device=device)
            write_run(output, encoder=encoder, head=nn.Identity(), run=record)


def _first_encoder(settings: PretrainingSettings, start: Path | None) -> tuple[nn.Module, int]:
    """Return the encoder before the first step, and the width of its features.

    Its weights are those of the file ``start``, or drawn from the seed.
    """
    encoder, width = build_architecture(
        settings.backbone,
        seed=named_seed(settings.seed, "encoder"),
        image_size=settings.image_size,
        several_sizes=_has_several_sizes(settings),
    )
    if settings.start is None and settings.smaller is None:
        return encoder, width
    if start is None:
        continued = settings.start.encoder if settings.start else settings.smaller
        raise UserError(
            f"'{settings.entry}' continues '{continued}', whose weights were not given; name its "
            "files by --start"
        )
    return load_weights(encoder, start), width


def _has_several_sizes(settings: PretrainingSettings) -> bool:
    hyper = settings.hyperparameters
    progressive = hyper is not None and hyper.progressive_sizes is not None
    return progressive or any("size" in recipe for recipe in settings.recipes.values())


@dataclass(frozen=True)
class _Run:
    """A trainer, the width of the encoder's features, and sentences on what was adapted."""

    trainer: Trainer
    feature_width: int
    notes: list[str]


def _views(
    settings: PretrainingSettings, hyper: Hyperparameters, encoder: nn.Module, *, seed: int
) -> list[list[Augment]]:
    """Return the augmentations of an image's views in each equal part of the steps, of sizes that
    the encoder takes."""
    parts = views_in_parts(
        [_augmentation(settings, name) for name in hyper.views],
        hyper.progressive_sizes,
        image_size=settings.image_size,
        seed=seed,
    )
    if ":" in settings.backbone:  # ours take any size
        for side in sorted({view.size for views in parts for view in views}):
            check_image_size(encoder, side, name=settings.backbone)
    return parts


def _whole_input(
    settings: PretrainingSettings,
    parts: list[Part],
    views: list[Augment],
    *,
    kind: str,
    session: Session,
) -> ViewedInput:
    """Return the input that makes these views of all images."""
    return choose_input(
        kind,
        parts,
        stored_size=settings.stored_size,
        views=views,
        device=session.device,
        workers=session.placement.workers,
    )


def _prepare(
    settings: PretrainingSettings,
    hyper: Hyperparameters,
    parts: list[Part],
    *,
    encoder: nn.Module,
    feature_width: int,
    kind: str,
    first_step: int,
    session: Session,
    checkpoints: Checkpoints,
) -> _Run:
    """Everything of a pretraining but the training, which begins with ``first_step``; ``kind``: of
    the input."""
    seed = _training_seed(settings)
    views = _views(settings, hyper, encoder, seed=seed)
    whole = _whole_input(settings, parts, views[-1], kind=kind, session=session)
    images = len(whole.labels)
    schedule, notes = pretraining_schedule(hyper, images)
    source: Input = whole
    if len(views) > 1:
        steps = schedule.total_steps
        source = ProgressiveInput(whole, views, total_steps=steps, first_step=first_step)
    head_seed = named_seed(settings.seed, "head")
    info = DataInfo(
        images=images,
        num_classes=source.num_classes,
        batch_size=schedule.batch_size,
        seed=head_seed,
    )
    method = build_method(
        hyper.method, encoder, feature_width, settings=hyper.method_keys, info=info
    )
    set_batch_norm(method, hyper.batch_norm_groups)
    if settings.compile:
        encoder.compile()
    trainer = set_up_trainer(
        method,
        source,
        schedule,
        arithmetic=Arithmetic(
            optimizer=hyper.optimizer,
            momentum=hyper.momentum,
            weight_decay=hyper.weight_decay,
            precision=settings.precision,
            channels_last=settings.channels_last and is_convolutional(encoder),
            micro_batch=hyper.micro_batch,
        ),
        session=session,
        checkpoints=checkpoints,
        seed=seed,
        description=f"{settings.entry}/{settings.source}/seed{settings.seed}",
        measure=_collapse_monitor(settings, hyper, parts, labels=source.labels, session=session),
    )
    return _Run(trainer, feature_width, notes + method.notes)


def _effective(hyper: Hyperparameters, run: _Run, outcome: Outcome) -> dict[str, Any]:
    """The hyper-parameters as they were in the end."""
    trainer = run.trainer
    images = len(trainer.labels)
    return {
        **hyper.as_json(),
        **asdict(trainer.schedule),
        "images": images,
        "classes": trainer.data.num_classes,
        "feature_width": run.feature_width,
        "effective_epochs": outcome.images / images,
        "precision": str(trainer.step_config.precision).removeprefix("torch."),
        "input": trainer.data.kind,
        "processes": world_size(),
    }


def _training_seed(settings: PretrainingSettings) -> int:
    """Of batches and views."""
    return named_seed(settings.seed, "training")


def _augmentation(settings: PretrainingSettings, name: str) -> Augmentation:
    return Augmentation.from_config(name, settings.recipes[name])


def _collapse_monitor(
    settings: PretrainingSettings,
    hyper: Hyperparameters,
    parts: list[Part],
    *,
    labels: np.ndarray,
    session: Session,
) -> Callable[[Method], dict[str, float]] | None:
    """A measure of the method on a fixed few of the images, without augmentation."""
    if settings.health_images < 2:
        return None
    chosen = choose_monitored_images(settings.health_images, len(labels), _training_seed(settings))
    augmentation = _augmentation(settings, hyper.views[0])
    images = load_squares(parts, chosen, settings.image_size, workers=session.placement.workers)
    monitor = CollapseMonitor(
        images,
        labels[chosen],
        mean=augmentation.mean,
        std=augmentation.std,
        device=session.device,
        batch_size=MONITOR_BATCH,
    )
    return lambda method: monitor.measure(method.encoder, method.head)

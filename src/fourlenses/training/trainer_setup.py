"""A trainer set up for a session: the device's arithmetic, the optimiser and a line of the log."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from fourlenses.data.loading.inputs import Input
from fourlenses.methods.method import Method
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.placement import GRAPH
from fourlenses.resume.session import Session
from fourlenses.training.optimizers.build import build_optimizer
from fourlenses.training.schedule import Schedule
from fourlenses.training.step_config import StepConfig, choose_precision
from fourlenses.training.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """How the steps of a training are computed.

    Attributes:
        optimizer: its name.
        momentum: of the optimisers that have one.
        weight_decay: of the parameters that decay.
        precision: float32, bfloat16, or auto: bfloat16 on a GPU.
        micro_batch: most images that are embedded at a time; 0 for all.
    """

    optimizer: str
    momentum: float
    weight_decay: float
    precision: str
    channels_last: bool
    micro_batch: int


def set_up_trainer(
    method: Method,
    data: Input,
    schedule: Schedule,
    *,
    arithmetic: Arithmetic,
    session: Session,
    checkpoints: Checkpoints,
    seed: int,
    description: str,
    measure: Callable[[Method], dict[str, float]] | None = None,
) -> Trainer:
    """Return a trainer of the method on the data, and log what it is going to do.

    Args:
        seed: of batches and views.
        description: of the training, for the log and for who watches.
        measure: more columns of the history (`Trainer`).
    """
    step_config = StepConfig(
        session.device,
        choose_precision(arithmetic.precision, session.device),
        channels_last=arithmetic.channels_last,
        micro_batch=arithmetic.micro_batch,
        graph=session.placement.step == GRAPH,
    )
    optimizer = build_optimizer(
        arithmetic.optimizer,
        method,
        learning_rate=schedule.peak_learning_rate,
        momentum=arithmetic.momentum,
        weight_decay=arithmetic.weight_decay,
        late=method.encoder if schedule.frozen_steps else None,
    )
    log.info(
        "%s: %d images, %d steps of %d, peak learning rate %.4g, %s input, on %s",
        description,
        len(data.labels),
        schedule.total_steps,
        schedule.batch_size,
        schedule.peak_learning_rate,
        data.kind,
        session.device,
    )
    return Trainer(
        method,
        optimizer,
        data,
        schedule=schedule,
        step_config=step_config,
        seed=seed,
        checkpoints=checkpoints,
        checkpoint_seconds=session.placement.checkpoint_seconds,
        time_limit=session.time_limit,
        description=description,
        measure=measure,
        verify=session.verify,
    )

"""The schedule of a training: steps, and a learning rate for each.

The rate warms up linearly, then follows half a cosine to zero (SimCLR, section 2.2,
https://arxiv.org/abs/2002.05709; Loshchilov, Hutter, ICLR 2017, https://arxiv.org/abs/1608.03983).
"""

import logging
import math
from dataclasses import dataclass

from fourlenses.core.errors import UserError
from fourlenses.parallel.distributed import world_size
from fourlenses.study.durations import PRETRAINING_KEYS, batch_unit, pretraining_length
from fourlenses.training.settings import Hyperparameters

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The length of a training and its learning rate.

    Attributes:
        batch_size: source images, over all processes.
        total_steps, warmup_steps: optimiser updates.
        peak_learning_rate: after scaling.
        frozen_steps: updates at the start that leave the encoder's weights as they are.
    """

    batch_size: int
    total_steps: int
    warmup_steps: int
    peak_learning_rate: float
    frozen_steps: int = 0


def pretraining_schedule(hyper: Hyperparameters, images: int) -> tuple[Schedule, list[str]]:
    """Return the schedule of a pretraining, and sentences on what was fitted to the data.

    Raises:
        UserError: the batch cannot be divided among the processes and groups of batch norm.
    """
    unit = batch_unit(hyper.batch_norm_groups, world_size())
    if hyper.batch_size % unit or images < unit:
        raise UserError(
            f"'batch_size' {hyper.batch_size} (of {images} images) cannot be divided among "
            f"{world_size()} processes and 'batch_norm_groups' {hyper.batch_norm_groups}; make "
            f"it a multiple of {unit} or lower them"
        )
    given = {key: getattr(hyper, key) for key in PRETRAINING_KEYS}
    length = pretraining_length(images, **given, processes=world_size())
    notes = []
    if length.batch_size < hyper.batch_size:
        notes.append(
            f"batch_size {hyper.batch_size} clamped to {length.batch_size}, as there are "
            f"{images} images"
        )
        log.warning(notes[-1])
    rate = scaled_learning_rate(hyper.learning_rate, length.batch_size, hyper.lr_scaling)
    return Schedule(
        batch_size=length.batch_size,
        total_steps=length.steps,
        warmup_steps=length.warmup_steps,
        peak_learning_rate=rate,
        # below 1, and yet a short training may round it to all
        frozen_steps=min(round((hyper.frozen_share or 0.0) * length.steps), length.steps - 1),
    ), notes


def learning_rate(step: int, *, total_steps: int, warmup_steps: int, peak: float) -> float:
    """Return the rate of update ``step`` (0-based) of ``total_steps``.

    Update i of the warm-up has (i + 1) / warmup_steps of the peak, so that none is wasted on a rate
    of 0. The cosine starts at the peak with the first update after it and would reach 0 at
    ``total_steps``, the first update that is not made.

    Raises:
        ValueError: the warm-up is longer than the training.
    """
    if not 0 <= warmup_steps <= total_steps:
        raise ValueError(f"a warm-up of {warmup_steps} steps does not fit into {total_steps}")
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if step >= total_steps:
        return 0.0
    return (
        peak * 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps)))
    )


def scaled_learning_rate(base: float, batch_size: int, rule: str) -> float:
    """Return the peak rate at a batch size B.

    Args:
        base: the rate before scaling.
        rule: "linear": base * B / 256 (Goyal et al., https://arxiv.org/abs/1706.02677, and SimCLR's
            section 2.2 with base 0.3); "sqrt": base * sqrt(B) (SimCLR's appendix B.1 with base
            0.075); "none": base.

    Raises:
        ValueError: an unknown rule.
    """
    rules = {"linear": batch_size / 256, "sqrt": math.sqrt(batch_size), "none": 1.0}
    if rule not in rules:
        raise ValueError(f"unknown learning rate rule {rule!r}; known: {', '.join(rules)}")
    return base * rules[rule]

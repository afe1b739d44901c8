"""How long a training is: its batch size, steps and warm-up, from its settings and its images.

The trainings, the plan and the completion of a config share this arithmetic. Standard library only.
"""

import math
from dataclasses import dataclass

# Below this the statistics of batch norm are noise (Wu, He: Group Normalization, ECCV 2018,
# figure 1, https://arxiv.org/abs/1803.08494).
LEAST_BATCH = 16
# The keys of an entry of `methods` in a config that decide its length: arguments of
# `pretraining_length`.
PRETRAINING_KEYS = (
    "batch_size",
    "batch_norm_groups",
    "epochs",
    "steps",
    "warmup_epochs",
    "warmup_steps",
)
# The same of a protocol that trains: arguments of `finetuning_length`.
FINETUNING_KEYS = ("batch_size", "epochs", "min_steps", "max_steps", "warmup_share")


@dataclass(frozen=True)
class Length:
    """Batch size in source images, over all processes; steps and warm-up in optimiser updates."""

    batch_size: int
    steps: int
    warmup_steps: int

    @property
    def images(self) -> int:
        """Source images that the training processes, each as often as it comes."""
        return self.batch_size * self.steps


def batch_unit(batch_norm_groups: int, processes: int) -> int:
    """The number that a pretraining's batch size is a multiple of."""
    return math.lcm(processes, batch_norm_groups)


def steps_of_epochs(images: int, epochs: float, batch_size: int) -> int:
    """The updates of this number of passes over the images, rounded to even."""
    return round(images * epochs / batch_size)


def pretraining_length(
    images: int,
    *,
    batch_size: int,
    batch_norm_groups: int = 1,
    epochs: float | None = None,
    steps: int | None = None,
    warmup_epochs: float | None = None,
    warmup_steps: int | None = None,
    processes: int = 1,
) -> Length:
    """Return the length of a pretraining on this number of images.

    Args:
        batch_size: at most; smaller where there are fewer images.
        steps: of the whole training; without it the steps of ``epochs``, at least 1.
        warmup_steps: of the warm-up; without it the steps of ``warmup_epochs``. At most half of
            the training, as a longer one might end before the peak.

    Returns:
        The length; all zeros where the images do not fill the smallest batch.
    """
    unit = batch_unit(batch_norm_groups, processes)
    batch_size = min(batch_size, images // unit * unit)
    if batch_size == 0:
        return Length(0, 0, 0)
    if not steps:
        steps = max(1, steps_of_epochs(images, epochs or 0, batch_size))
    if warmup_steps is None:
        warmup_steps = steps_of_epochs(images, warmup_epochs or 0, batch_size)
    return Length(batch_size, steps, min(warmup_steps, steps // 2))


def finetuning_length(
    labels: int,
    *,
    batch_size: int,
    epochs: float,
    min_steps: int,
    max_steps: int,
    warmup_share: float = 0.0,
    processes: int = 1,
) -> Length:
    """Return the length of a classifier's training on this number of labelled images.

    Args:
        batch_size: the most. A batch larger than the labels holds some of them several times, up
            to `LEAST_BATCH` images.
        min_steps, max_steps: bounds on the steps of ``epochs``.
        warmup_share: of the steps, in [0, 1).

    Returns:
        The length; all zeros where the batch cannot be shared among the processes.
    """
    batch_size = min(batch_size, max(labels, LEAST_BATCH)) // processes * processes
    if batch_size == 0:
        return Length(0, 0, 0)
    steps = steps_of_epochs(labels, epochs, batch_size)
    steps = max(1, min(max(steps, min_steps), max_steps))
    return Length(batch_size, steps, round(steps * warmup_share))

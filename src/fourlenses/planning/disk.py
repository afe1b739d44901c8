"""Disk space: what stays of a study, and the most that checkpoints take meanwhile."""

from collections.abc import Iterable

from fourlenses.planning.networks import backbone, network_of
from fourlenses.study import Run

FLOAT = 4  # bytes


def encoder_bytes(config: dict, run: Run) -> float:
    """Return the bytes of a single encoder. Its head is left out: a few MB at most."""
    return FLOAT * backbone(*network_of(config, run)).parameters


def feature_bytes(config: dict, run: Run, images: int) -> float:
    """Return the bytes of the features that a run's encoders have of ``images`` images each."""
    precision = 2 if config["evaluation"]["feature_precision"] == "float16" else FLOAT
    width = sum(backbone(*network_of(config, encoder)).width for encoder in run.encoders)
    return precision * width * images


def checkpoint_bytes(config: dict, runs: Iterable[Run], trainings: int) -> float:
    """Return the bytes that the checkpoints of several trainings at once take, of any of the runs.

    Each has weights, up to two moments of the optimiser and a momentum encoder, and exists twice
    while it is replaced.
    """
    largest = max((encoder_bytes(config, run) for run in runs), default=0.0)
    return trainings * 2 * 4 * largest

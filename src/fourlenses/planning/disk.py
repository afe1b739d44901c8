"""Disk space: what stays of a study, and the most that checkpoints take meanwhile.

Standard library only.
"""

from fourlenses.planning.backbones import BACKBONES

FLOAT = 4  # bytes


def encoder_bytes(config: dict) -> float:
    """Return the bytes of an encoder. Its head is left out: a few MB at most."""
    return FLOAT * BACKBONES[config["backbone"]].parameters


def feature_bytes(config: dict, images: int) -> float:
    """Return the bytes of the features of so many images."""
    precision = 2 if config["evaluation"]["feature_precision"] == "float16" else FLOAT
    return precision * BACKBONES[config["backbone"]].width * images


def checkpoint_bytes(config: dict, trainings: int) -> float:
    """Return the bytes that the checkpoints of so many trainings at once take.

    Each has weights, up to two moments of the optimiser and a momentum encoder, and exists twice
    while it is replaced.
    """
    return trainings * 2 * 4 * encoder_bytes(config)

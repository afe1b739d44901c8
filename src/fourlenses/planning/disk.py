"""Room on disk: what stays of a study, and the most that checkpoints take meanwhile. Standard library only."""

from fourlenses.planning.backbones import BACKBONES

FLOAT = 4  # bytes


def encoder_bytes(config: dict) -> float:
    """encoder.safetensors; the head beside it, at most a few MB, is left out."""
    return FLOAT * BACKBONES[config["backbone"]].parameters


def feature_bytes(config: dict, images: int) -> float:
    """Features of so many images, where they are kept."""
    precision = 2 if config["evaluation"]["feature_precision"] == "float16" else FLOAT
    return precision * BACKBONES[config["backbone"]].width * images


def checkpoint_bytes(config: dict, at_once: int) -> float:
    """Of the trainings that run at once: weights, up to two moments of the optimiser and a momentum encoder, each checkpoint twice."""
    return at_once * 2 * 4 * encoder_bytes(config)

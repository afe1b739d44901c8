"""How many images the trainings of a study process.

Standard library only.
"""

from fourlenses.study.durations import (
    FINETUNING_KEYS,
    PRETRAINING_KEYS,
    finetuning_length,
    pretraining_length,
)


def pretraining_images(hyper: dict, images: int, processes: int = 1) -> int:
    """Return the source images that a pretraining processes: steps times batch size."""
    given = {key: hyper[key] for key in PRETRAINING_KEYS if key in hyper}
    return pretraining_length(images, **given, processes=processes).images


def labelled_training_images(hyper: dict, labels: int, processes: int = 1) -> int:
    """Return the images that a classifier's training on ``labels`` labels processes."""
    given = {key: hyper[key] for key in FINETUNING_KEYS if key in hyper}
    return finetuning_length(labels, **given, processes=processes).images


def evaluation_training_images(
    hyper: dict, labels: int, *, validation_fraction: float, processes: int = 1
) -> tuple[int, int]:
    """Return the images that an evaluation trains on, and the validation images it is scored on.

    Args:
        hyper: of the protocol. Its candidates, pairs of learning rate and weight decay, are each
            trained without the validation split; the chosen one is then trained on all labels.
        labels: labelled images.
        validation_fraction: of them, to choose by.
    """
    final = labelled_training_images(hyper, labels, processes)
    candidates = len(hyper["learning_rates"]) * len(hyper["weight_decays"])
    if candidates == 1:
        return final, 0
    validation = round(labels * validation_fraction)
    tried = labelled_training_images(hyper, max(1, labels - validation), processes)
    return final + candidates * tried, candidates * validation

"""How many images a training looks at, as the trainings themselves decide it. Standard library only.

`training.pretrain.make_schedule` and `evaluation.durations.make_schedule` need torch; tests compare.
"""

import math

LEAST_BATCH = 16  # evaluation.durations


def pretraining_images(hyper: dict, images: int, processes: int = 1) -> int:
    """Source images that a pretraining sees: steps times batch."""
    unit = math.lcm(processes, hyper["batch_norm_groups"])
    batch = min(hyper["batch_size"], images // unit * unit)
    if batch == 0:
        return 0
    return batch * (hyper.get("steps") or max(1, round(images * hyper["epochs"] / batch)))


def labelled_training_images(hyper: dict, labels: int, processes: int = 1) -> int:
    """Images that a classifier's training on so many labels sees."""
    batch = min(hyper["batch_size"], max(labels, LEAST_BATCH)) // processes * processes
    steps = round(labels * hyper["epochs"] / batch)
    return batch * max(1, min(max(steps, hyper["min_steps"]), hyper["max_steps"]))


def evaluation_training_images(
    hyper: dict, labels: int, validation_fraction: float, processes: int = 1
) -> tuple[int, int]:
    """Images trained on, over all candidates tried (pairs of learning rate and weight decay) and the final training; and validation images
    looked at."""
    final = labelled_training_images(hyper, labels, processes)
    candidates = len(hyper["learning_rates"]) * len(hyper["weight_decays"])
    if candidates == 1:
        return final, 0
    validation = round(labels * validation_fraction)
    tried = labelled_training_images(hyper, max(1, labels - validation), processes)
    return final + candidates * tried, candidates * validation

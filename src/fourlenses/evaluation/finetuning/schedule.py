"""How long to train a classifier on some labels, and with what batches.

A number of passes alone starves small label sets and wastes time on large ones, so the number of updates is bounded from both sides. The
bounds in use are much alike: 20,000 updates of 256 images for sets of 2,000 to 75,000 images, and 40,000 from random initialisation
(Kornblith et al., CVPR 2019; SimCLR, appendix B.8.1), 2,500 of 512 (VTAB, google-research/task_adaptation, README), 500 for less than
20,000 images, 10,000 for less than 500,000, else 20,000 (BiT-HyperRule, google-research/big_transfer).
"""

from fourlenses.core.errors import UserError
from fourlenses.parallel.distributed import world_size
from fourlenses.training.schedule import scaled_learning_rate
from fourlenses.training.trainer import Schedule

# Below this the statistics of batch norm are noise (Wu, He: Group Normalization, ECCV 2018, figure 1). A batch above the number of images
# holds each of them several times, as different views.
LEAST_BATCH = 16


def make_schedule(hyper: dict, images: int, learning_rate: float) -> tuple[Schedule, list[str]]:
    """The schedule of a training on ``images`` labelled images, and sentences on what was fitted to their number.

    hyper: batch_size, epochs, min_steps, max_steps, lr_scaling, warmup_share (see presets/evaluation).

    Raises:
        UserError: the batch cannot be shared among the processes.
    """
    notes, processes = [], world_size()
    wanted = hyper["batch_size"]
    batch_size = min(wanted, max(images, LEAST_BATCH)) // processes * processes
    if batch_size == 0 or wanted % processes:
        raise UserError(
            f"'batch_size' {wanted} (of {images} images) cannot be divided among {processes} processes; use fewer"
        )
    if batch_size < wanted:
        notes.append(
            f"batch_size {wanted} clamped to {batch_size}, as there are {images} labelled images"
        )
    if batch_size > images:
        notes.append(
            f"a batch holds the {images} images several times, as different views: batch norm needs more rows"
        )
    steps = round(images * hyper["epochs"] / batch_size)
    bounded = max(1, min(max(steps, hyper["min_steps"]), hyper["max_steps"]))
    if bounded != steps:
        bound = "min_steps" if bounded > steps else "max_steps"
        notes.append(f"{hyper['epochs']} epochs are {steps} steps; {bounded} are made ({bound})")
    warmup = round(bounded * hyper["warmup_share"])
    return Schedule(
        batch_size,
        bounded,
        warmup,
        scaled_learning_rate(learning_rate, batch_size, hyper["lr_scaling"]),
    ), notes

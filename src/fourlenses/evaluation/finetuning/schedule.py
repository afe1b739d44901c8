"""How long to train a classifier on some labels, and with what batches.

A number of passes alone starves small label sets and wastes time on large ones, so the number of updates is bounded from both sides. The
bounds in use are much alike: 20,000 updates of 256 images for sets of 2,000 to 75,000 images, and 40,000 from random initialisation
(Kornblith et al., CVPR 2019; SimCLR, appendix B.8.1), 2,500 of 512 (VTAB, google-research/task_adaptation, README), 500 for less than
20,000 images, 10,000 for less than 500,000, else 20,000 (BiT-HyperRule, google-research/big_transfer).
"""

from fourlenses.core.errors import UserError
from fourlenses.parallel.distributed import world_size
from fourlenses.study.durations import FINETUNING_KEYS, finetuning_length, steps_of_epochs
from fourlenses.training.schedule import scaled_learning_rate
from fourlenses.training.trainer import Schedule


def make_schedule(hyper: dict, images: int, learning_rate: float) -> tuple[Schedule, list[str]]:
    """The schedule of a training on ``images`` labelled images, and sentences on what was fitted to their number.

    hyper: batch_size, epochs, min_steps, max_steps, lr_scaling, warmup_share (see presets/evaluation).

    Raises:
        UserError: the batch cannot be shared among the processes.
    """
    wanted, processes = hyper["batch_size"], world_size()
    given = {key: hyper[key] for key in FINETUNING_KEYS}
    length = finetuning_length(images, **given, processes=processes)
    if length.batch_size == 0 or wanted % processes:
        raise UserError(
            f"'batch_size' {wanted} (of {images} images) cannot be divided among {processes} "
            "processes; use fewer"
        )
    notes = []
    if length.batch_size < wanted:
        notes.append(
            f"batch_size {wanted} clamped to {length.batch_size}, as there are {images} labelled "
            "images"
        )
    if length.batch_size > images:
        notes.append(
            f"a batch holds the {images} images several times, as different views: batch norm "
            "needs more rows"
        )
    unbounded = steps_of_epochs(images, hyper["epochs"], length.batch_size)
    if length.steps != unbounded:
        bound = "min_steps" if length.steps > unbounded else "max_steps"
        notes.append(
            f"{hyper['epochs']} epochs are {unbounded} steps; {length.steps} are made ({bound})"
        )
    rate = scaled_learning_rate(learning_rate, length.batch_size, hyper["lr_scaling"])
    return Schedule(length.batch_size, length.steps, length.warmup_steps, rate), notes

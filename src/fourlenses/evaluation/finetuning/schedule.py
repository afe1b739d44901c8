"""How long to train a classifier on some labels, and with what batches.

A number of passes alone starves small label sets and wastes time on large ones, so the number of
updates is bounded from both sides. The bounds in use are much alike: 20,000 updates of 256 images
for sets of 2,000 to 75,000 images, and 40,000 from random initialisation (Kornblith et al., CVPR
2019, https://arxiv.org/abs/1805.08974; SimCLR, appendix B.8.1, https://arxiv.org/abs/2002.05709),
2,500 of 512 (VTAB, google-research/task_adaptation, README), 500 for less than 20,000 images,
10,000 for less than 500,000, else 20,000 (BiT-HyperRule, google-research/big_transfer).
"""

from fourlenses.core.errors import UserError
from fourlenses.evaluation.finetuning.settings import FinetuningHyperparameters
from fourlenses.parallel.distributed import world_size
from fourlenses.study.durations import FINETUNING_KEYS, finetuning_length, steps_of_epochs
from fourlenses.training.schedule import Schedule, scaled_learning_rate


def make_schedule(
    hyper: FinetuningHyperparameters, images: int, learning_rate: float
) -> tuple[Schedule, list[str]]:
    """Return the schedule of a training, and sentences on what was fitted to the labels.

    Args:
        images: how many are labelled.
        learning_rate: before scaling.

    Raises:
        UserError: the batch cannot be divided among the processes.
    """
    wanted, processes = hyper.batch_size, world_size()
    given = {key: getattr(hyper, key) for key in FINETUNING_KEYS}
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
    unbounded = steps_of_epochs(images, hyper.epochs, length.batch_size)
    if length.steps != unbounded:
        bound = "min_steps" if length.steps > unbounded else "max_steps"
        notes.append(
            f"{hyper.epochs} epochs are {unbounded} steps; {length.steps} are made ({bound})"
        )
    rate = scaled_learning_rate(learning_rate, length.batch_size, hyper.lr_scaling)
    return Schedule(
        batch_size=length.batch_size,
        total_steps=length.steps,
        warmup_steps=length.warmup_steps,
        peak_learning_rate=rate,
    ), notes

"""The protocols that train: one encoder, one target, one label subset.

They are linear_augmented, fine_tune, and the baselines from scratch. Learning rate and weight decay
are chosen on a validation split of the labels, the training is repeated on all labels with these,
and the test images are scored once. Every training runs as a pretraining does, so it resumes to the
same bits.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import one_of
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.candidates import Choice
from fourlenses.evaluation.finetuning.classifiers import PROTOCOLS
from fourlenses.evaluation.finetuning.progress import TrainingProgress
from fourlenses.evaluation.finetuning.record import FinetuningRecord
from fourlenses.evaluation.finetuning.settings import (
    FinetuningSettings,
    evaluation_key,
    fingerprints,
    made_from,
)
from fourlenses.evaluation.finetuning.task import Target, Task, read_task
from fourlenses.evaluation.finetuning.trainings import Trained, Trainings
from fourlenses.evaluation.predictions import TargetPredictions
from fourlenses.evaluation.scores import report
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.parallel.distributed import rank
from fourlenses.resume.placement import Placement
from fourlenses.resume.session import resumable_training

# Called in the first process with the record, the test images (of which nothing is predicted there)
# and the folder to write the files to.
Write = Callable[[FinetuningRecord, TargetPredictions, Path], None]


def finetune_and_test(
    encoder: Encoder,
    task: Task,
    settings: FinetuningSettings,
    *,
    placement: Placement,
    outputs: Mapping[str, Path],
    write: Write,
) -> None:
    """Train and test a classifier, and have ``write`` write what came out.

    Where the same evaluation has finished before, its files are put into place instead.

    Args:
        outputs: the name of each file that ``write`` writes -> where it is to be.

    Raises:
        UserError: see `read_task`, `Trainer.train`, `TrainingLock` and `RestartLog`; every
            candidate diverged.
        Interrupted: the time limit is over; a checkpoint has been taken.
    """
    if settings.protocol not in PROTOCOLS:
        raise one_of("protocol", settings.protocol, PROTOCOLS)
    torch.set_num_threads(settings.torch_threads)
    target = read_task(task)
    directory = placement.checkpoints / evaluation_key(encoder, task, settings)
    with resumable_training(
        directory, placement, outputs=outputs, made_from=made_from(encoder, task, settings)
    ) as session:
        if session.finished:
            return
        progress = TrainingProgress(directory, session.verify)
        with session.attempt(progress.start, [task.beton]) as (copy,):
            trainings = Trainings(
                encoder,
                replace(task, beton=copy),
                settings,
                target=target,
                session=session,
                progress=progress,
            )
            choice = trainings.choose()
            final = trainings.train(np.arange(len(target.train_rows)), choice.candidate, "final")
            tested = None
            if rank() == 0:
                prints = fingerprints(encoder, task, settings)
                tested = _tested(trainings, target, choice=choice, final=final, prints=prints)

            def write_tested(folder: Path) -> None:
                assert tested is not None  # it is called in the first process alone
                write(*tested, folder)

            session.finish(write_tested, progress.clear)


def _tested(
    trainings: Trainings, target: Target, *, choice: Choice, final: Trained, prints: dict
) -> tuple[FinetuningRecord, TargetPredictions]:
    """Score the test images, and say what came out."""
    began = time.monotonic()
    scores, labels = trainings.score(final.method, target.test_rows, "test images")
    outcome, count = final.outcome, len(target.train_rows)
    levels = LabelLevels(target.hierarchy.names, target.hierarchy.table)
    record = FinetuningRecord(
        label_size=count,
        report=report(scores, labels, levels),
        choice=choice,
        steps=final.schedule.total_steps,
        epochs=round(outcome.images / count, 3),
        batch_size=final.schedule.batch_size,
        peak_learning_rate=final.schedule.peak_learning_rate,
        input=trainings.data.kind,
        train_top1=100 * outcome.history[-1]["train_top1"],
        losses=outcome.losses,
        notes=target.notes + choice.notes + final.notes,
        fingerprints=prints,
        timing={
            "select": choice.seconds,
            "train": outcome.seconds,
            "test": time.monotonic() - began,
        },
    )
    return record, TargetPredictions(
        predicted={}, rows=target.test_rows, labels=labels, classes=target.hierarchy.classes[-1]
    )

"""The record of a protocol that trains, as files like those of `probes.evaluate`.

A cell in JSON, and the predicted class of each test image.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fourlenses.core.files import write_json
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.finetuning.candidates import Choice
from fourlenses.evaluation.finetuning.task import Task
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions
from fourlenses.evaluation.record import (
    EvaluationResult,
    baseline_columns,
    cell_record,
    encoder_columns,
    with_training,
)
from fourlenses.evaluation.scores import ScoreReport
from fourlenses.study.vocabulary import FROM_SCRATCH
from fourlenses.training.convergence import LossSummary, not_converged


@dataclass(frozen=True, kw_only=True)
class FinetuningRecord:
    """What came out of an evaluation that trains.

    Attributes:
        label_size: images trained on in the end.
        report: scores of the test images.
        choice: of learning rate and weight decay.
        steps, epochs, batch_size, peak_learning_rate: of the final training.
        input: its kind.
        train_top1: percent, in the last row of its history.
        losses: of the final training.
        notes: sentences on what was adapted to the labels.
        fingerprints: of encoder and beton.
        timing: stage -> seconds, over all attempts; no number depends on it.
    """

    label_size: int
    report: ScoreReport
    choice: Choice
    steps: int
    epochs: float
    batch_size: int
    peak_learning_rate: float
    input: str
    train_top1: float
    losses: LossSummary
    notes: list[str]
    fingerprints: dict[str, Any]
    timing: dict[str, float]

    @property
    def not_converged(self) -> str | None:
        """A sentence if the loss still fell at the end of the final training."""
        return not_converged(self.losses)

    def details(self) -> dict[str, Any]:
        """What a cell says of such an evaluation alone.

        There ``steps`` and ``epochs`` are those of the pretraining, as in metrics.csv; those of the
        protocol's own training have separate names.
        """
        return {
            **self.choice.columns(),
            "batch_size": self.batch_size,
            "peak_learning_rate": self.peak_learning_rate,
            "input": self.input,
            "train_top1": self.train_top1,
            "training_not_converged": self.not_converged,
            "training_losses": asdict(self.losses),
            "training_steps": self.steps,
            "training_epochs": self.epochs,
        }


def write_record(
    record: FinetuningRecord,
    test: TargetPredictions,
    *,
    encoder: Encoder,
    protocol: str,
    task: Task,
    labelled: str,
    record_file: Path,
    predictions_file: Path,
) -> None:
    """Write the predictions and, last, the record ``{"cells": [cell]}``.

    Args:
        record: of `evaluate.finetune_and_test`.
        test: the test images; nothing is predicted there.
        encoder: what was trained from; for a baseline, the run of the initial weights.
        protocol: its name.
        task: the target and the labelled images.
        labelled: what the config calls the label subset.
        record_file: the cell (.json).
        predictions_file: see `predictions.write_predictions`.
    """
    if protocol in FROM_SCRATCH:
        columns = baseline_columns(
            encoder,
            dataset=task.dataset,
            labelled=labelled,
            images=record.label_size,
            steps=record.steps,
            epochs=record.epochs,
        )
    else:
        columns = encoder_columns([encoder])
    result = EvaluationResult(
        subset=labelled,
        label_size=record.label_size,
        report=record.report,
        notes=record.notes,
        timing=record.timing,
        details=record.details(),
    )
    cell = cell_record(
        with_training(columns, training_converged=record.not_converged is None),
        result,
        target=task.dataset,
        protocol=protocol,
        rows=np.sort(np.load(task.subset, allow_pickle=False)),
        fingerprints=record.fingerprints,
    )
    predicted = result.predictions_of(protocol)
    on_target = TargetPredictions(
        predicted=predicted, rows=test.rows, labels=test.labels, classes=test.classes
    )
    write_predictions(predictions_file, {task.dataset: on_target})
    write_json(record_file, {"cells": [cell]})

"""The record of a protocol that trains, as files like those of the protocols on features.

A cell in JSON, and what was predicted of each test image.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fourlenses.core.files import write_json
from fourlenses.evaluation.encoder import TRAINING, Encoder
from fourlenses.evaluation.finetuning.candidates import Choice
from fourlenses.evaluation.finetuning.task import Task
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions
from fourlenses.metrics.label_levels import listed_levels
from fourlenses.study import BASELINES, Run, Subset
from fourlenses.training.convergence import LossSummary, not_converged


@dataclass(frozen=True, kw_only=True)
class FinetuningRecord:
    """What came out of an evaluation that trains.

    Attributes:
        label_size: images trained on in the end.
        scores: of the test images, as `scores.report` has them.
        choice: of learning rate and weight decay.
        steps, epochs, batch_size, peak_learning_rate: of the final training.
        input: its kind.
        train_top1: percent, in the last row of its history.
        training_losses: of the final training.
        notes: sentences on what was adapted to the labels.
        fingerprints: of encoder and beton.
        timing: stage -> seconds, over all attempts; no number depends on it.
    """

    label_size: int
    scores: dict[str, Any]
    choice: Choice
    steps: int
    epochs: float
    batch_size: int
    peak_learning_rate: float
    input: str
    train_top1: float
    training_losses: LossSummary
    notes: list[str]
    fingerprints: dict[str, Any]
    timing: dict[str, float]

    @property
    def training_not_converged(self) -> str | None:
        """A sentence if the loss still fell at the end of the final training."""
        return not_converged(self.training_losses)

    def columns(self) -> dict[str, Any]:
        """All but what a cell gives other names (``label_size``, ``steps`` and ``epochs``)."""
        return {
            **self.scores,
            **self.choice.columns(),
            "batch_size": self.batch_size,
            "peak_learning_rate": self.peak_learning_rate,
            "input": self.input,
            "train_top1": self.train_top1,
            "training_not_converged": self.training_not_converged,
            "training_losses": asdict(self.training_losses),
            "notes": self.notes,
            "fingerprints": self.fingerprints,
            "timing": self.timing,
        }


def write_record(
    record: FinetuningRecord,
    images: TargetPredictions,
    *,
    encoder: Encoder,
    protocol: str,
    task: Task,
    labelled: str,
    record_file: Path,
    predictions_file: Path,
) -> None:
    """Write ``{"cells": [cell]}``, last, and before it the predicted classes of the test images.

    In a cell ``steps`` and ``epochs`` are those of the pretraining, as in metrics.csv; those of the
    protocol's own training are ``training_steps`` and ``training_epochs``. Of a baseline nothing
    was pretrained: its method is supervised, its source the labelled images.

    Args:
        images: the test images, without predictions.
        labelled: what the config calls the label subset.
    """
    scored = record.columns()
    del scored["confidences"]
    predicted = {f"{protocol}/{labelled}": scored.pop("predictions")}
    scored["levels"] = listed_levels(scored["levels"], list(scored["levels"]))
    columns = encoder.columns()
    if protocol in BASELINES:
        source = f"{task.dataset}-{Subset.parse(labelled).images}"
        columns |= _baseline_columns(record, Run("supervised", source, encoder.seed))
    stages = [columns["not_converged"], TRAINING if record.training_not_converged else ""]
    columns["not_converged"] = ";".join(stage for stage in stages if stage)
    rows = np.sort(np.load(task.subset, allow_pickle=False)).astype("<i8")
    cell = {
        **columns,
        **scored,
        "target": task.dataset,
        "protocol": protocol,
        "labelled": labelled,
        "labelled_images": record.label_size,
        "subset": {"name": labelled, "sha256": hashlib.sha256(rows.tobytes()).hexdigest()},
        "training_steps": record.steps,
        "training_epochs": record.epochs,
    }
    target = TargetPredictions(predicted, images.rows, images.labels, images.classes)
    write_predictions(predictions_file, {task.dataset: target})
    write_json(record_file, {"cells": [cell]})


def _baseline_columns(record: FinetuningRecord, run: Run) -> dict[str, Any]:
    """What metrics.csv says of a training from scratch in place of an encoder."""
    return {
        "method": run.method,
        "source": run.source,
        "pretrain_images": record.label_size,
        "steps": record.steps,
        "epochs": record.epochs,
        "corruption": run.corruption,
        "run": run.name,
        "not_converged": "",  # the run gave no weights
    }

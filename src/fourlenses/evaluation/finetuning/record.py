"""The record of a protocol that trains, as files like those of `probes.evaluate`.

A cell in JSON, and the predicted class of each test image.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from fourlenses.core.files import write_json
from fourlenses.evaluation.encoder import Encoder
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


def write_record(
    record: Mapping[str, Any],
    test: TargetPredictions,
    run: Encoder,
    *,
    protocol: str,
    task: Task,
    labelled: str,
    record_file: Path,
    predictions_file: Path,
) -> None:
    """Write the predictions and, last, the record ``{"cells": [cell]}``.

    In a cell ``steps`` and ``epochs`` are those of the pretraining, as in metrics.csv; those of
    the protocol's own training are ``training_steps`` and ``training_epochs``.

    Args:
        record: of `evaluate.evaluate_trained`.
        test: the test images; nothing is predicted there.
        run: of the encoder or, for a baseline, of the initial weights.
        protocol: its name.
        task: the target and the labelled images.
        labelled: what the config calls the label subset.
        record_file: the cell (.json).
        predictions_file: see `predictions.write_predictions`.
    """
    details = dict(record)
    report = ScoreReport(**{field.name: details.pop(field.name) for field in fields(ScoreReport)})
    images, steps, epochs = (details.pop(key) for key in ("label_size", "steps", "epochs"))
    fingerprints = details.pop("fingerprints")
    if protocol in FROM_SCRATCH:
        columns = baseline_columns(
            run,
            dataset=task.dataset,
            labelled=labelled,
            images=images,
            steps=steps,
            epochs=epochs,
        )
    else:
        columns = encoder_columns([run])
    converged = details["training_not_converged"] is None
    columns = with_training(columns, training_converged=converged)
    result = EvaluationResult(
        subset=labelled,
        label_size=images,
        report=report,
        notes=details.pop("notes"),
        timing=details.pop("timing"),
        details={**details, "training_steps": steps, "training_epochs": epochs},
    )
    cell = cell_record(
        columns,
        result,
        target=task.dataset,
        protocol=protocol,
        rows=np.sort(np.load(task.subset, allow_pickle=False)),
        fingerprints=fingerprints,
    )
    predicted = result.predictions_of(protocol)
    on_target = TargetPredictions(predicted, test.rows, test.labels, test.classes)
    write_predictions(predictions_file, {task.dataset: on_target})
    write_json(record_file, {"cells": [cell]})

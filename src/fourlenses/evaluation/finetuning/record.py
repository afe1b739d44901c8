"""The record of a protocol that trains, as files like those of `evaluate`: a cell in JSON, and what was predicted of each test image."""

import hashlib
from pathlib import Path

import numpy as np

from fourlenses.core.files import write_json
from fourlenses.evaluation.encoder import TRAINING, Encoder
from fourlenses.evaluation.finetuning.task import Task
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions
from fourlenses.metrics.label_levels import listed_levels
from fourlenses.study import Run, Subset
from fourlenses.study.vocabulary import FROM_SCRATCH


def write_record(
    record: dict,
    kept: TargetPredictions,
    run: Encoder,
    protocol: str,
    task: Task,
    labelled: str,
    record_file: Path,
    predictions_file: Path,
) -> None:
    """Write ``{"cells": [cell]}`` to ``record_file``, last, and before it the predicted classes to ``predictions_file``
    (`predictions.write_predictions`). labelled: what the config calls the label subset.

    In a cell ``steps`` and ``epochs`` are those of the pretraining, as in metrics.csv; those of the protocol's own training are
    ``training_steps`` and ``training_epochs``. Of a baseline nothing was pretrained: method supervised, its source the labelled images.
    """
    record = dict(record)
    del record["confidences"]
    predicted = {f"{protocol}/{labelled}": record.pop("predictions")}
    steps, epochs, images = (record.pop(key) for key in ("steps", "epochs", "label_size"))
    record["levels"] = listed_levels(record["levels"], list(record["levels"]))
    columns = run.columns()
    if protocol in FROM_SCRATCH:
        own = Run("supervised", f"{task.dataset}-{Subset.parse(labelled).images}", run.seed)
        columns |= {
            "method": own.method,
            "source": own.source,
            "pretrain_images": images,
            "steps": steps,
            "epochs": epochs,
        }
        columns |= {
            "corruption": own.corruption,
            "run": own.name,
            "not_converged": "",
        }  # the run gave no weights
    stages = [columns["not_converged"], TRAINING if record["training_not_converged"] else ""]
    columns["not_converged"] = ";".join(stage for stage in stages if stage)
    rows = np.sort(np.load(task.subset, allow_pickle=False)).astype("<i8")
    cell = {
        **columns,
        **record,
        "target": task.dataset,
        "protocol": protocol,
        "labelled": labelled,
        "labelled_images": images,
        "subset": {"name": labelled, "sha256": hashlib.sha256(rows.tobytes()).hexdigest()},
        "training_steps": steps,
        "training_epochs": epochs,
    }
    write_predictions(
        predictions_file,
        {task.dataset: TargetPredictions(predicted, kept.rows, kept.labels, kept.classes)},
    )
    write_json(record_file, {"cells": [cell]})

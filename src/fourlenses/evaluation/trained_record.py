"""The record of a protocol that trains, as files: a cell in JSON as `evaluate` writes them, and what was predicted of each test image."""

from pathlib import Path

import numpy as np

from fourlenses.evaluation.encoder import Encoder
from fourlenses.files import atomic, write_json
from fourlenses.study import Run


def write_record(record: dict, run: Encoder, protocol: str, dataset: str, labelled: str, record_file: Path, predictions_file: Path) -> None:
    """Write ``{"cells": [cell]}`` to ``record_file``, last, and before it to ``predictions_file`` (npz) the predicted classes under
    ``<dataset>/<protocol>/<labelled>`` and their float16 confidences under that name and ``/confidences``.

    In a cell ``steps`` and ``epochs`` are those of the pretraining, as in metrics.csv; those of the protocol's own training are
    ``training_steps`` and ``training_epochs``. From scratch nothing was pretrained: method supervised, its source the labelled images.
    """
    record = dict(record)
    name = f"{dataset}/{protocol}/{labelled}"
    arrays = {name: record.pop("predictions"), f"{name}/confidences": record.pop("confidences")}
    steps, epochs, images = (record.pop(key) for key in ("steps", "epochs", "label_size"))
    record["levels"] = [{"level": level, **scores} for level, scores in record["levels"].items()]
    columns = run.columns()
    if protocol == "scratch":
        own = Run("supervised", f"{dataset}-{labelled}", run.seed)
        columns |= {"method": own.method, "source": own.source, "pretrain_images": images, "steps": steps, "epochs": epochs}
        columns |= {"corruption": own.corruption, "run": own.name}
    cell = {
        **columns,
        **record,
        "target": dataset,
        "protocol": protocol,
        "labelled": labelled,
        "labelled_images": images,
        "training_steps": steps,
        "training_epochs": epochs,
    }
    with atomic(predictions_file) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)
    write_json(record_file, {"cells": [cell]})

"""The record of an evaluation: one cell of a study as JSON, and how its parts are merged.

A cell has four parts, and no entry is in two of them:

- the encoder's columns (`encoder_columns`, or `baseline_columns` of a protocol that starts from
  none): how it was pretrained, as metrics.csv lists it;
- the question: target, protocol, labelled, labelled_images, and the fingerprints of the rows, the
  encoders and the beton;
- the test scores (`scores.ScoreReport`);
- what the protocol alone reports (`EvaluationResult.details`), with notes and timing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypedDict

import numpy as np

from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.scores import ScoreReport
from fourlenses.study import Run, Subset
from fourlenses.study.encoders import CONCATENATION
from fourlenses.study.smaller import epochs_seen, steps_seen

# Values of the column not_converged, joined by ";": what had not converged.
PRETRAINING, TRAINING = "pretraining", "training"
ARRAYS = ("predictions", "confidences")  # of a report: they go to the predictions file, or nowhere


class EncoderColumns(TypedDict):
    """What metrics.csv lists of an encoder.

    pretrain_images, steps and epochs are of the pretraining, 0 for a random encoder; image_size
    is in px, None of encoders that differ in it; corruption is that of the pretraining images.
    """

    method: str
    backbone: str
    source: str
    pretrain_images: int
    steps: int
    epochs: float
    corruption: str
    seed: int
    run: str
    image_size: int | None
    not_converged: str


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """The result of a protocol on one label subset.

    Attributes:
        subset: its name.
        label_size: number of labelled images.
        report: scores of the test images, at the finest level.
        details: entries of the record that this protocol alone has, by name: JSON values.
        notes: sentences on special rules that applied.
        timing: stage -> seconds. Apart from the numbers, as no two runs agree on it.
        level_predictions: level -> labels of that level, int (N,), for classifiers trained at one
            level each; None otherwise.
    """

    subset: str
    label_size: int
    report: ScoreReport
    details: Mapping[str, Any]
    notes: list[str]
    timing: dict[str, float]
    level_predictions: Mapping[str, np.ndarray] | None = None

    def predictions_of(self, protocol: str) -> dict[str, np.ndarray]:
        """Return the predictions by the key of the predictions file, 'protocol[@level]/subset'."""
        if self.level_predictions is None:
            return {f"{protocol}/{self.subset}": self.report.predictions}
        return {
            f"{protocol}@{level}/{self.subset}": predictions
            for level, predictions in self.level_predictions.items()
        }


def encoder_columns(encoders: Sequence[Encoder]) -> EncoderColumns:
    """Return the columns of an encoder, or of several whose features are concatenated.

    Of several: method and seed of the first, and in the source what another has instead
    (`Run.concatenated`); images and steps in sum, the longest in epochs; the backbones that differ
    joined as the sources are, and no image size where they differ in it.
    """
    columns = [_columns(encoder) for encoder in encoders]
    if len(columns) == 1:
        return columns[0]
    runs = [Run(each["method"], each["source"], each["seed"]) for each in columns]
    fused = Run.concatenated(runs)
    sizes = [each["image_size"] for each in columns]
    return {
        **columns[0],
        "backbone": CONCATENATION.join(dict.fromkeys(each["backbone"] for each in columns)),
        "source": fused.source,
        "pretrain_images": sum(each["pretrain_images"] for each in columns),
        "steps": sum(each["steps"] for each in columns),
        "epochs": max(each["epochs"] for each in columns),
        "corruption": fused.corruption,
        "not_converged": max(each["not_converged"] for each in columns),  # of any of them
        "run": fused.name,
        "image_size": sizes[0] if len(set(sizes)) == 1 else None,
    }


def _columns(encoder: Encoder) -> EncoderColumns:
    settings, effective = encoder.settings, encoder.effective
    run = Run(settings["method"], settings["source"], settings["seed"])
    return {
        "method": run.method,
        "backbone": settings["backbone"],
        "source": run.source,
        "pretrain_images": effective.get("images", 0),
        "steps": steps_seen(settings, effective),
        "epochs": round(epochs_seen(settings, effective), 3),
        "corruption": run.corruption,
        "seed": run.seed,
        "run": run.name,
        "image_size": settings["image_size"],
        "not_converged": PRETRAINING if encoder.not_converged else "",
    }


def baseline_columns(
    initial: Encoder, *, dataset: str, labelled: str, images: int, steps: int, epochs: float
) -> EncoderColumns:
    """Return the columns of a supervised baseline: its only training is that of the protocol.

    Args:
        initial: the run of the initial weights; only its backbone, seed and size count.
        dataset: the target, whose labelled images are the source.
        labelled: name of the label subset.
        images: number of labelled images.
        steps: of the protocol's training.
        epochs: of the protocol's training.
    """
    run = Run("supervised", f"{dataset}-{Subset.parse(labelled).size}", initial.seed)
    return {
        **_columns(initial),
        "method": run.method,
        "source": run.source,
        "pretrain_images": images,
        "steps": steps,
        "epochs": epochs,
        "corruption": run.corruption,
        "run": run.name,
        "not_converged": "",
    }


def with_training(columns: EncoderColumns, *, training_converged: bool) -> EncoderColumns:
    """Return the columns with the protocol's own training in not_converged."""
    stages = [columns["not_converged"], "" if training_converged else TRAINING]
    return {**columns, "not_converged": ";".join(stage for stage in stages if stage)}


def cell_record(
    columns: EncoderColumns,
    result: EvaluationResult,
    *,
    target: str,
    protocol: str,
    rows: np.ndarray,
    fingerprints: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the record of one cell, as it is written to JSON.

    Args:
        columns: of the encoder.
        result: of the protocol on the label subset.
        target: name of the dataset.
        protocol: its name.
        rows: manifest rows of the labelled images, int (n,).
        fingerprints: hashes of encoders and beton.
    """
    question = {
        "target": target,
        "protocol": protocol,
        "labelled": result.subset,
        "labelled_images": result.label_size,
        "subset": {
            "name": result.subset,
            "sha256": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest(),
        },
        "fingerprints": fingerprints,
    }
    stages = {"notes": result.notes, "timing": result.timing}
    merged: dict[str, Any] = {}
    for part in (columns, question, score_entries(result.report), result.details, stages):
        twice = merged.keys() & part.keys()
        assert not twice, f"two parts of a record have the entries {sorted(twice)}"
        merged |= part
    return merged


def score_entries(report: ScoreReport) -> dict[str, Any]:
    """Return the entries of a report that are JSON values: all but its arrays."""
    entries = {
        field.name: getattr(report, field.name)
        for field in fields(report)
        if field.name not in ARRAYS
    }
    return entries | {"levels": [asdict(level) for level in report.levels]}

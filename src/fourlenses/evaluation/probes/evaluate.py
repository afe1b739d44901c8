"""Evaluate an encoder, or several with concatenated features, by the protocols on features.

The features are extracted once per target; every cell of the study is scored on them. Protocols
that train a network are in `evaluation.finetuning`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import read_json, write_json
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.selection import Selection, select
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, rows_of
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.store import FeatureStore, Images
from fourlenses.evaluation.left_out import LeftOut, one_class
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions
from fourlenses.evaluation.probes.contract import (
    EvaluationSettings,
    LabelledFeatures,
    ProbeContext,
)
from fourlenses.evaluation.probes.registry import PROTOCOLS
from fourlenses.evaluation.record import EncoderColumns, cell_record, encoder_columns
from fourlenses.metrics.label_levels import LabelLevels

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A dataset to evaluate on.

    Attributes:
        dataset: its name.
        betons: its images by their stored size, px, one for each that the encoders take.
        manifest: its labels.
        subsets: protocol -> label subset ('1000', 'all', '1000_draw1') -> file of manifest rows,
            int64 (n,).
    """

    dataset: str
    betons: Mapping[int, Path]
    manifest: Path
    subsets: Mapping[str, Mapping[str, Path]]

    @classmethod
    def from_json(cls, target: Mapping[str, Any]) -> Self:
        """Return the target that `workflow.needs.evaluation_targets` describes."""
        return cls(
            dataset=target["dataset"],
            betons={int(size): Path(file) for size, file in target["betons"].items()},
            manifest=Path(target["manifest"]),
            subsets=target["subsets"],
        )

    def beton_of(self, encoder: Encoder) -> Path:
        """Return the images that an encoder takes.

        Raises:
            UserError: they are not among those given.
        """
        if encoder.stored_size not in self.betons:
            sizes = ", ".join(f"{size}" for size in self.betons)
            raise UserError(
                f"{encoder.directory} takes images of {self.dataset} stored at "
                f"{encoder.stored_size} px, but there are those of {sizes} px; name that beton"
            )
        return self.betons[encoder.stored_size]


def evaluate(
    encoders: Sequence[Encoder],
    targets: Sequence[Target],
    settings: EvaluationSettings,
    *,
    store: FeatureStore,
    cells_file: Path,
    predictions_file: Path,
) -> None:
    """Evaluate on all targets and write two files.

    Args:
        encoders: those whose features are concatenated.
        targets: with the protocols and label subsets of each.
        settings: of the protocols.
        store: of the features.
        cells_file: JSON, one record per cell (`record.cell_record`).
        predictions_file: .npz, the predictions of each test image (`write_predictions`).

    Raises:
        UserError: no such protocol; an encoder's images are missing; a file is damaged.
    """
    torch.set_num_threads(settings.torch_threads)
    columns = encoder_columns(encoders)
    cells: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    predictions: dict[str, TargetPredictions] = {}
    for target in targets:
        log.info("%s on %s", columns["run"], target.dataset)
        on_target = _OnTarget(encoders, target, settings=settings, store=store)
        cells += on_target.cells(columns)
        left_out += on_target.left_out(columns["run"])
        predictions[target.dataset] = on_target.predictions
    write_predictions(predictions_file, predictions)
    for entry in left_out:
        log.warning("%s, %s: left out: %s", entry["target"], entry["protocol"], entry["reason"])
    write_json(cells_file, {"cells": cells, **({"left_out": left_out} if left_out else {})})


class _OnTarget:
    """The evaluation on one target: its images, their features, and what is predicted."""

    def __init__(
        self,
        encoders: Sequence[Encoder],
        target: Target,
        *,
        settings: EvaluationSettings,
        store: FeatureStore,
    ) -> None:
        self.encoders, self.target, self.settings, self.store = encoders, target, settings, store
        manifest = read_manifest(target.manifest)
        hierarchy = hierarchy_of(manifest)
        self.levels = LabelLevels(hierarchy.names, hierarchy.table)
        files = {name: file for part in target.subsets.values() for name, file in part.items()}
        self.rows_of = {name: np.load(file, allow_pickle=False) for name, file in files.items()}
        labelled = np.unique(np.concatenate(list(self.rows_of.values())))
        available = rows_of(manifest, "test")
        # undecodable images were left out of the beton, as its sidecar says; of any size the same
        decoded = available[np.isin(available, Beton(target.beton_of(encoders[0])).index)]
        self.train, self.test = self._select(labelled), self._select(decoded)
        test, train = self.test[0], self.train[0]
        positions = {name: np.searchsorted(train.rows, rows) for name, rows in self.rows_of.items()}
        reasons = {
            name: one_class(np.asarray(train.labels)[at], hierarchy.classes[-1])
            for name, at in positions.items()
        }
        self.reasons = {name: reason for name, reason in reasons.items() if reason}
        self.predictions = TargetPredictions(
            predicted={}, rows=test.rows, labels=test.labels, classes=hierarchy.classes[-1]
        )

    def left_out(self, run: str) -> list[LeftOut]:
        """Return what has no number. run: of the encoder."""
        return [
            {
                "run": run,
                "target": self.target.dataset,
                "labelled": name,
                "protocol": protocol,
                "reason": self.reasons[name],
            }
            for protocol, files in self.target.subsets.items()
            for name in files
            if name in self.reasons
        ]

    def cells(self, columns: EncoderColumns) -> list[dict[str, Any]]:
        """Return the records, and keep the predictions."""
        train = self._features("train", self.train)
        test = self._features("test", self.test)
        known = any(
            encoder.trained_with_labels_of(self.target.dataset) for encoder in self.encoders
        )
        fingerprints = {
            "encoders": [encoder.weights_sha256 for encoder in self.encoders],
            "beton": _beton_hash(self.target.beton_of(self.encoders[0])),
        }
        cells = []
        for protocol, files in self.target.subsets.items():
            if protocol not in PROTOCOLS:
                raise one_of("protocol", protocol, PROTOCOLS)
            usable = [name for name in files if name not in self.reasons]
            if not usable:
                continue
            context = ProbeContext(
                dataset=self.target.dataset,
                train=train,
                test=test,
                subsets={
                    name: np.searchsorted(self.train[0].rows, self.rows_of[name]) for name in usable
                },
                levels=self.levels,
                settings=self.settings,
                seed=self.encoders[0].seed,
                pretrained_with_labels=known,
                device=self.store.device,
            )
            for result in PROTOCOLS[protocol](context):
                self.predictions.predicted |= result.predictions_of(protocol)
                cell = cell_record(
                    columns,
                    result,
                    target=self.target.dataset,
                    protocol=protocol,
                    rows=self.rows_of[result.subset],
                    fingerprints=fingerprints,
                )
                cells.append(cell)
        return cells

    def _select(self, rows: np.ndarray) -> list[Selection]:
        """Return the images of some rows as each encoder takes them."""
        by_file = {
            file: select(file, rows, self.target.dataset)
            for file in dict.fromkeys(map(self.target.beton_of, self.encoders))
        }
        return [by_file[self.target.beton_of(encoder)] for encoder in self.encoders]

    def _features(self, split: str, selections: Sequence[Selection]) -> LabelledFeatures:
        name = f"{self.target.dataset}-{split}"
        inputs = [
            (encoder, Images(name, selection, _beton_hash(self.target.beton_of(encoder))))
            for encoder, selection in zip(self.encoders, selections, strict=True)
        ]
        return LabelledFeatures(self.store.features(inputs), selections[0].labels)


def _beton_hash(beton: Path) -> str:
    return read_json(beton.with_suffix(".json"))["content_sha256"]

"""Evaluate an encoder, or several with concatenated features, by the protocols on features.

The features are extracted once per target; every cell of the study is scored on them. Protocols
that train a network are in `evaluation.finetuning`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fourlenses.core.errors import one_of
from fourlenses.core.files import read_json, write_json
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.selection import Selection, select
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, rows_of
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.store import FeatureStore, Images
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


@dataclass(frozen=True)
class Target:
    """A dataset to evaluate on.

    Attributes:
        dataset: its name.
        beton: its images.
        manifest: its labels.
        subsets: protocol -> label subset ('1000', 'all', '1000_draw1') -> file of manifest rows,
            int64 (n,).
    """

    dataset: str
    beton: Path
    manifest: Path
    subsets: Mapping[str, Mapping[str, Path]]


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
        UserError: no such protocol; the encoders differ in backbone; a file is damaged.
    """
    torch.set_num_threads(settings.torch_threads)
    columns = encoder_columns(encoders)
    cells: list[dict[str, Any]] = []
    predictions: dict[str, TargetPredictions] = {}
    for target in targets:
        log.info("%s on %s", columns["run"], target.dataset)
        on_target = _OnTarget(encoders, target, settings=settings, store=store)
        cells += on_target.cells(columns)
        predictions[target.dataset] = on_target.predictions
    write_predictions(predictions_file, predictions)
    write_json(cells_file, {"cells": cells})


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
        # undecodable images were left out of the beton, as its sidecar says
        decoded = available[np.isin(available, Beton(target.beton).index)]
        self.train, self.test = self._select(labelled), self._select(decoded)
        self.predictions = TargetPredictions(
            {}, self.test.rows, self.test.labels, hierarchy.classes[-1]
        )

    def cells(self, columns: EncoderColumns) -> list[dict[str, Any]]:
        """Return the records, and keep the predictions."""
        train = self._features("train", self.train)
        test = self._features("test", self.test)
        known = any(
            encoder.trained_with_labels_of(self.target.dataset) for encoder in self.encoders
        )
        fingerprints = {
            "encoders": [encoder.weights_sha256 for encoder in self.encoders],
            "beton": self._beton_hash(),
        }
        cells = []
        for protocol, files in self.target.subsets.items():
            if protocol not in PROTOCOLS:
                raise one_of("protocol", protocol, PROTOCOLS)
            context = ProbeContext(
                dataset=self.target.dataset,
                train=train,
                test=test,
                subsets={
                    name: np.searchsorted(self.train.rows, self.rows_of[name]) for name in files
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

    def _select(self, rows: np.ndarray) -> Selection:
        return select(self.target.beton, rows, self.target.dataset)

    def _features(self, split: str, selection: Selection) -> LabelledFeatures:
        images = Images(f"{self.target.dataset}-{split}", selection, self._beton_hash())
        return LabelledFeatures(self.store.features(self.encoders, images), selection.labels)

    def _beton_hash(self) -> str:
        return read_json(self.target.beton.with_suffix(".json"))["content_sha256"]

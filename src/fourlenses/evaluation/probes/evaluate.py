"""Evaluate one encoder, or several side by side, on everything a study asks of it that needs features alone.

The features are taken once per target; every cell is scored on them. What trains a network for each cell is in `trained`.
"""

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import read_json, write_json
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.selection import select
from fourlenses.data.manifest.manifest import Hierarchy, hierarchy_of, read_manifest, rows_of
from fourlenses.evaluation.encoder import Encoder
from fourlenses.evaluation.features.store import FeatureStore, Images
from fourlenses.evaluation.predictions import TargetPredictions, write_predictions
from fourlenses.evaluation.probes.knn import knn
from fourlenses.evaluation.probes.linear_probe import linear_probe
from fourlenses.metrics.label_levels import listed_levels, train_at_each_level
from fourlenses.study import Run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A dataset to evaluate on. subsets: protocol -> label subset ('1000', 'all', '1000_draw1') -> file of manifest rows."""

    dataset: str
    beton: Path
    manifest: Path
    subsets: dict[str, dict[str, Path]]


@dataclass(frozen=True)
class Settings:
    """How to evaluate: see the `evaluation` section of config.yaml."""

    strengths: list[float]
    strength_of_supervised: float
    validation_fraction: float
    neighbours: int
    temperature: float
    torch_threads: int


@dataclass(frozen=True)
class Labelled:
    """Features (N, D), labels int64 (N,) and manifest rows int64 (N,) of some images."""

    features: np.ndarray
    labels: np.ndarray
    rows: np.ndarray


def evaluate(
    encoders: list[Encoder],
    targets: list[Target],
    settings: Settings,
    store: FeatureStore,
    cells_file: Path,
    predictions_file: Path,
) -> None:
    """Write one record per cell to ``cells_file`` (JSON), and what was predicted of each test image to ``predictions_file``
    (`predictions.write_predictions`).

    Raises:
        UserError: no such protocol; the encoders differ in backbone; a file is damaged.
    """
    torch.set_num_threads(settings.torch_threads)
    common = describe(encoders)
    cells, predictions = [], {}
    for target in targets:
        log.info("%s on %s", common["run"], target.dataset)
        manifest = read_manifest(target.manifest)
        hierarchy = hierarchy_of(manifest)
        wanted = {
            name: np.load(file, allow_pickle=False)
            for files in target.subsets.values()
            for name, file in files.items()
        }
        train = _labelled(
            encoders, target, "train", np.unique(np.concatenate(list(wanted.values()))), store
        )
        available = rows_of(manifest, "test")
        # undecodable images were left out of the beton, as its sidecar says
        test = _labelled(
            encoders,
            target,
            "test",
            available[np.isin(available, Beton(target.beton).index)],
            store,
        )
        kept = predictions[target.dataset] = TargetPredictions(
            {}, test.rows, test.labels, hierarchy.classes[-1]
        )
        known = any(encoder.trained_with_labels_of(target.dataset) for encoder in encoders)
        here = replace(settings, strengths=[settings.strength_of_supervised]) if known else settings
        fingerprints = {
            "encoders": [encoder.weights_sha256 for encoder in encoders],
            "beton": _content(target.beton),
        }
        for protocol, files in target.subsets.items():
            if protocol not in PROTOCOLS:
                raise one_of("protocol", protocol, PROTOCOLS)
            subsets = {name: np.searchsorted(train.rows, wanted[name]) for name in files}
            seed = encoders[0].seed
            for record in PROTOCOLS[protocol](
                train, test, subsets, hierarchy, here, seed, store.device
            ):
                name = record.pop("subset")
                if known and "strength" in record:
                    record["notes"].append(
                        f"the encoder was trained with labels of {target.dataset}, so held-out ones are none to choose an L2 strength by: "
                        f"strength_of_supervised {settings.strength_of_supervised:g} was taken"
                    )
                kept.predicted |= {
                    f"{protocol}{key}/{name}": predicted
                    for key, predicted in _predictions(record).items()
                }
                record["levels"] = listed_levels(record["levels"], hierarchy.names)
                rows = {
                    "name": name,
                    "sha256": hashlib.sha256(wanted[name].astype("<i8").tobytes()).hexdigest(),
                }
                identity = {
                    "target": target.dataset,
                    "protocol": protocol,
                    "labelled": name,
                    "labelled_images": record.pop("label_size"),
                }
                cells.append(
                    {**common, **identity, **record, "subset": rows, "fingerprints": fingerprints}
                )
    write_predictions(predictions_file, predictions)
    write_json(cells_file, {"cells": cells})


def describe(encoders: list[Encoder]) -> dict:
    """How the features were made, in the columns of the table. Of several encoders: method and seed of the first, and in the source what
    another has instead (`Run`); images and steps in sum, the longest in epochs."""
    described = [encoder.columns() for encoder in encoders]
    if len(described) == 1:
        return described[0]
    if len({one["backbone"] for one in described}) > 1:
        raise UserError(
            f"encoders to be fused must agree in backbone, but these have {', '.join(one['backbone'] for one in described)}"
        )
    fused = Run.concatenated([Run(one["method"], one["source"], one["seed"]) for one in described])
    return {
        **described[0],
        "source": fused.source,
        "pretrain_images": sum(one["pretrain_images"] for one in described),
        "steps": sum(one["steps"] for one in described),
        "epochs": max(one["epochs"] for one in described),
        "corruption": fused.corruption,
        "not_converged": max(one["not_converged"] for one in described),  # of any of them
        "run": fused.name,
    }


def _linear(
    train: Labelled,
    test: Labelled,
    subsets: dict,
    hierarchy: Hierarchy,
    settings: Settings,
    seed: int,
    device: torch.device,
) -> list[dict]:
    return linear_probe(
        train.features,
        train.labels,
        test.features,
        test.labels,
        subsets,
        settings.strengths,
        settings.validation_fraction,
        seed,
        hierarchy.num_classes,
        hierarchy.table,
        hierarchy.names,
        device,
    )


def _linear_per_level(
    train: Labelled,
    test: Labelled,
    subsets: dict,
    hierarchy: Hierarchy,
    settings: Settings,
    seed: int,
    device: torch.device,
) -> list[dict]:
    """A classifier trained on each level's own labels, where `linear` coarsens the answers of one trained on the finest."""

    def probe(train_labels, test_labels, num_classes, level_table, level_names) -> list[dict]:
        coarse = [
            replace(one, labels=labels)
            for one, labels in ((train, train_labels), (test, test_labels))
        ]
        return _linear(
            *coarse,
            subsets,
            Hierarchy(level_names, [list(range(num_classes))], level_table),
            settings,
            seed,
            device,
        )

    merged: dict[str, dict] = {}
    for record in train_at_each_level(
        probe, train.labels, test.labels, hierarchy.table, hierarchy.names
    ):
        level = record.pop("trained_level")
        own = {
            "levels": record["levels"][level],
            "predictions": record["predictions"],
            "strength": record["strength"],
        }
        kept = merged.get(record["subset"], {key: {} for key in own})
        # the finest level comes last: what a record says beside these is of that one
        merged[record["subset"]] = {
            **record,
            **{key: {**kept[key], level: value} for key, value in own.items()},
        }
    return list(merged.values())


def _knn(
    train: Labelled,
    test: Labelled,
    subsets: dict,
    hierarchy: Hierarchy,
    settings: Settings,
    seed: int,
    device: torch.device,
) -> list[dict]:
    return knn(
        train.features,
        train.labels,
        test.features,
        test.labels,
        subsets,
        [settings.neighbours],
        hierarchy.num_classes,
        hierarchy.table,
        hierarchy.names,
        settings.temperature,
        device,
        scaled=True,
    )


PROTOCOLS = {"linear": _linear, "linear_per_level": _linear_per_level, "knn": _knn}


def _labelled(
    encoders: list[Encoder], target: Target, split: str, rows: np.ndarray, store: FeatureStore
) -> Labelled:
    selection = select(target.beton, rows, target.dataset)
    features = store.features(
        encoders, Images(f"{target.dataset}-{split}", selection, _content(target.beton))
    )
    return Labelled(features, selection.labels, selection.rows)


def _content(beton: Path) -> str:
    return read_json(beton.with_suffix(".json"))["content_sha256"]


def _predictions(record: dict) -> dict[str, np.ndarray]:
    """What a record predicts, taken out of it, under '' or, of classifiers of one level each, '@<level>'."""
    del record["confidences"]
    predictions = record.pop("predictions")
    return (
        {f"@{level}": array for level, array in predictions.items()}
        if isinstance(predictions, dict)
        else {"": predictions}
    )

"""Evaluate one encoder on everything a study asks of it: its features are taken once per target, every cell is scored on them."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from fourlenses.data.beton import Beton
from fourlenses.data.manifest import Hierarchy, hierarchy_of, read_manifest, rows_of
from fourlenses.data.resident import Images, load_images
from fourlenses.errors import UserError
from fourlenses.evaluation.features import extract_features
from fourlenses.evaluation.linear_probe import linear_probe
from fourlenses.evaluation.scores import report, score
from fourlenses.files import atomic, read_json, write_json
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import load_weights
from fourlenses.study import Run

log = logging.getLogger(__name__)
BATCH_SIZE = 500


@dataclass(frozen=True)
class Target:
    """A dataset to evaluate on. subsets: per protocol, what the config calls a label size ('1000', 'all') -> file of manifest rows."""

    dataset: str
    beton: Path
    manifest: Path
    subsets: dict[str, dict[str, Path]]


@dataclass(frozen=True)
class Protocol:
    """How to evaluate: see the `evaluation` section of config.yaml."""

    image_size: int
    strengths: list[float]
    validation_fraction: float
    torch_threads: int


def evaluate(
    run_directory: Path,
    targets: list[Target],
    protocol: Protocol,
    device: str | torch.device,
    workers: int,
    cells_file: Path,
    predictions_file: Path,
) -> None:
    """Write one record per cell to ``cells_file`` (JSON) and the predicted classes of the test images to ``predictions_file`` (npz)."""
    torch.set_num_threads(protocol.torch_threads)
    trained = read_json(run_directory / "run.json")
    settings = trained["settings"]
    run = Run(settings["method"], settings["source"], settings["seed"])
    encoder, _ = build_backbone(settings["backbone"], 0)
    load_weights(encoder, run_directory / "encoder.safetensors")
    effective = trained["effective"]  # empty for a random encoder
    common = {
        "method": settings["method"],
        "backbone": settings["backbone"],
        "source": settings["source"],
        "pretrain_images": effective.get("images", 0),
        "steps": effective.get("total_steps", 0),
        "epochs": round(effective.get("effective_epochs", 0), 3),
        "corruption": run.corruption,
        "seed": settings["seed"],
        "run": run.name,
    }
    cells, predictions = [], {}
    for target in targets:
        log.info("%s on %s", run.name, target.dataset)
        for record in _evaluate_target(encoder, run_directory, target, protocol, settings, device, workers):
            predicted = record.pop("predictions")
            record.pop("confidences")
            # a list keeps its order in JSON
            record["levels"] = [{"level": level, **scores} for level, scores in record["levels"].items()]
            predictions[f"{target.dataset}/{record['protocol']}/{record['labelled']}"] = predicted
            cells.append({**common, "target": target.dataset, **record})
    predictions_file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(predictions_file) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **predictions)
    write_json(cells_file, {"cells": cells})


def _evaluate_target(
    encoder, run_directory: Path, target: Target, protocol: Protocol, settings: dict, device: str | torch.device, workers: int
) -> list[dict]:
    manifest = read_manifest(target.manifest)
    hierarchy = hierarchy_of(manifest)
    test = _load(target, _available(target, rows_of(manifest, "test")), protocol, workers)
    x_test = _features(encoder, test, settings, device)
    subsets = {name: np.load(file, allow_pickle=False) for files in target.subsets.values() for name, file in files.items()}
    records = []
    if target.subsets.get("linear"):
        rows = np.unique(np.concatenate([subsets[name] for name in target.subsets["linear"]]))
        train = _load(target, rows, protocol, workers)
        # positions of each subset's rows among the rows whose features were taken
        positions = {name: np.searchsorted(rows, subsets[name]) for name in target.subsets["linear"]}
        probed = linear_probe(
            _features(encoder, train, settings, device),
            train.labels,
            x_test,
            test.labels,
            positions,
            protocol.strengths,
            protocol.validation_fraction,
            settings["seed"],
            hierarchy.num_classes,
            hierarchy.table,
            hierarchy.names,
        )
        for record in probed:
            labelled = {"labelled": record.pop("subset"), "labelled_images": record.pop("label_size")}
            records.append({**record, **labelled, "protocol": "linear"})
    for name in target.subsets.get("scratch", {}):
        scored = _score_head(run_directory / "head.safetensors", x_test, test.labels, hierarchy)
        records.append({**scored, "labelled": name, "labelled_images": len(subsets[name]), "protocol": "scratch"})
    return records


def _score_head(head_file: Path, x_test: torch.Tensor, labels: np.ndarray, hierarchy: Hierarchy) -> dict:
    """A supervised run as it is: its own classifier on its own features."""
    head = load_file(head_file)
    weight, bias = head.get("weight"), head.get("bias")
    if weight is None or bias is None or weight.shape[0] > hierarchy.num_classes:
        raise UserError(
            f"{head_file} is no classifier of at most {hierarchy.num_classes} classes (it holds {sorted(head)}); "
            "protocol 'scratch' needs a supervised run on the target itself"
        )
    scored = score(x_test, torch.from_numpy(labels), weight, bias)
    return report(scored, labels, hierarchy.table, hierarchy.names)


def _available(target: Target, rows: np.ndarray) -> np.ndarray:
    """The rows that are in the beton: undecodable images were left out of it, as its sidecar says."""
    return rows[np.isin(rows, Beton(target.beton).index)]


def _load(target: Target, rows: np.ndarray, protocol: Protocol, workers: int) -> Images:
    return load_images(target.beton, rows, protocol.image_size, target.dataset, workers)


def _features(encoder, images: Images, settings: dict, device: str | torch.device) -> torch.Tensor:
    """Normalised as in training: by the mean and std of the run's views, if they have any."""
    views = settings["hyperparameters"].get("views", [])
    recipe = settings["recipes"][views[0]] if views else {}
    return extract_features(encoder, images.images, BATCH_SIZE, device, recipe.get("mean"), recipe.get("std"))

"""The files of a pretraining: weights, history, and a record of everything that was effective."""

import platform
import resource
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fourlenses.core.files import write_csv, write_json
from fourlenses.core.software import git_commit, versions
from fourlenses.models.card import facts_of
from fourlenses.models.weights import save_weights
from fourlenses.study.layout import ENCODER, HEAD, HISTORY, RUN
from fourlenses.training.collapse_monitor import collapse
from fourlenses.training.convergence import not_converged
from fourlenses.training.settings import PretrainingSettings
from fourlenses.training.trainer import Outcome

COLUMNS = ("step", "epoch", "loss", "learning_rate", "images_per_second")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What run.json and history.csv say of a pretraining.

    Attributes:
        effective: the hyper-parameters as they were in the end; empty where nothing was trained.
        fingerprints: of the images (`TrainingData.fingerprints`).
        notes: sentences on what was adapted to the data.
    """

    settings: PretrainingSettings
    outcome: Outcome
    device: torch.device
    effective: dict[str, Any] = field(default_factory=dict)
    fingerprints: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_run(output: Path, *, encoder: nn.Module, head: nn.Module, run: RunRecord) -> None:
    """Write the files of a pretraining into the folder ``output``, run.json last."""
    outcome, device = run.outcome, run.device
    output.mkdir(parents=True, exist_ok=True)
    settings = run.settings.as_json()
    facts = facts_of({"settings": settings, "effective": run.effective})
    save_weights(encoder, output / ENCODER, metadata=facts)
    save_weights(head, output / HEAD)
    # rows in which the collapse monitor measured have more columns than others
    columns = list(dict.fromkeys([*COLUMNS, *(key for row in outcome.history for key in row)]))
    write_csv(output / HISTORY, columns, outcome.history)
    peak = (
        torch.cuda.max_memory_allocated()
        if device.type == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    record = {
        "settings": settings,
        "effective": run.effective,
        "datasets": run.fingerprints,
        "notes": run.notes,
        "not_converged": not_converged(outcome.losses),
        "losses": asdict(outcome.losses),
        "collapsed": _collapsed(outcome.history, run.effective.get("feature_width", 0)),
        "wall_time_seconds": round(outcome.seconds, 3),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "images_per_second": round(outcome.images / outcome.seconds, 1)
        if outcome.seconds
        else None,
        "peak_memory_bytes": peak,
        "device": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine(),
        "versions": versions("torch", "numpy"),
        "git_commit": git_commit(),
    }
    write_json(output / RUN, record)


def _collapsed(history: list[dict], feature_width: int) -> str | None:
    """A sentence on the last measurement of the collapse monitor, if it was bad."""
    measured = [row for row in history if "embedding_std" in row]
    return collapse(measured[-1], measured[-1]["step"], feature_width) if measured else None

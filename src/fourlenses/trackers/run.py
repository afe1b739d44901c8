"""What a tracker shows of a pretraining: its name, its settings, and its history as curves."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fourlenses.core.files import read_json
from fourlenses.study import Run
from fourlenses.study.layout import HISTORY, RUN

STEP = "step"
HEALTH = ("embedding_std", "effective_rank", "knn_top1")  # of the collapse monitor
Row = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A pretraining.

    Attributes:
        study: its name; the project or experiment of a tracker.
        name: <method>/<source>/seed<k>.
        settings: of run.json.
    """

    study: str
    name: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, study: str, settings: Mapping[str, Any]) -> "TrackedRun":
        """Return the run of these settings, as run.json holds them."""
        name = Run(settings["method"], settings["source"], settings["seed"]).name
        return cls(study=study, name=name, settings=settings)

    def config(self) -> dict[str, str]:
        """Return the settings as one level of texts: `hyperparameters.learning_rate`."""
        return dict(_flat(self.settings))


def _flat(values: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", str(value)


def curves(row: Row) -> dict[str, float]:
    """Return a row of a history by the names of curves: `train/loss`, `health/knn_top1`."""
    return {
        f"{'health' if key in HEALTH else 'train'}/{key}": value
        for key, value in row.items()
        if key != STEP
    }


def read_history(file: Path) -> list[dict[str, float]]:
    """Return the rows of a history.csv; what a row has no value for is left out."""
    with open(file, newline="", encoding="utf-8") as opened:
        return [
            {key: float(value) for key, value in row.items() if value}
            for row in csv.DictReader(opened)
        ]


def finished(results: Path) -> Iterable[tuple[TrackedRun, list[dict[str, float]]]]:
    """Yield the finished pretrainings of a study with their histories.

    Args:
        results: the study's folder; of a clone too, which has run.json and history.csv.
    """
    for file in sorted(results.glob(f"pretrain/*/*/*/{RUN}")):
        history = file.with_name(HISTORY)
        rows = read_history(history) if history.exists() else []
        if rows:
            yield TrackedRun.of(results.name, read_json(file)["settings"]), rows

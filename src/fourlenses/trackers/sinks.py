"""The trackers: where each puts a run's settings, curves and picture. Each is an extra.

Everything stays in a folder of the study unless the environment names a server: MLflow by
MLFLOW_TRACKING_URI, Weights & Biases by WANDB_MODE=online.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from fourlenses.trackers.run import STEP, Row, TrackedRun, curves

PICTURE = "views"
MOST_PARAMS = 100  # that MLflow takes at a time


class Tracker(Protocol):
    """One run in one tracker."""

    id: str  # by which it is found again after an interruption

    def log(self, rows: Sequence[Row]) -> None:
        """Add rows of the history."""

    def show(self, picture: Image.Image) -> None:
        """Add the picture of views."""

    def close(self, *, finished: bool) -> None:
        """End this session; finished: the training is done too."""


class TensorBoard:
    """Event files in <folder>/tensorboard/<run>."""

    def __init__(self, run: TrackedRun, folder: Path, known_id: str) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.id = run.name
        events = folder / "tensorboard" / run.name
        if not known_id:  # what is there is of other settings: one folder shows one run
            shutil.rmtree(events, ignore_errors=True)
        self._writer = SummaryWriter(str(events))
        if not known_id:
            lines = [f"| {key} | {value} |" for key, value in run.config().items()]
            self._writer.add_text("settings", "\n".join(["| key | value |", "|---|---|", *lines]))

    def log(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for name, value in curves(row).items():
                self._writer.add_scalar(name, value, int(row[STEP]))
        self._writer.flush()

    def show(self, picture: Image.Image) -> None:
        import numpy as np

        self._writer.add_image(PICTURE, np.asarray(picture), dataformats="HWC")

    def close(self, *, finished: bool) -> None:
        self._writer.close()


class MLflow:
    """A run of the experiment that is called as the study; a file store in <folder>/mlflow."""

    def __init__(self, run: TrackedRun, folder: Path, known_id: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # several jobs write at a time, which a file of SQLite on a cluster's disk would not bear
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Param

        where = os.environ.get("MLFLOW_TRACKING_URI") or (folder / "mlflow").absolute().as_uri()
        self._client = MlflowClient(tracking_uri=where)
        self.id = known_id
        if not known_id:
            created = self._client.create_run(self._experiment(run.study), run_name=run.name)
            self.id = created.info.run_id
            params = [Param(key, value) for key, value in run.config().items()]
            for start in range(0, len(params), MOST_PARAMS):
                self._client.log_batch(self.id, params=params[start : start + MOST_PARAMS])

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return known.experiment_id
        try:
            return self._client.create_experiment(name)
        except MlflowException:  # another job was faster
            known = self._client.get_experiment_by_name(name)
            if known is None:
                raise
            return known.experiment_id

    def log(self, rows: Sequence[Row]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for row in rows:
            metrics = [
                Metric(name, value, now, int(row[STEP])) for name, value in curves(row).items()
            ]
            self._client.log_batch(self.id, metrics=metrics)

    def show(self, picture: Image.Image) -> None:
        self._client.log_image(self.id, picture, artifact_file=f"{PICTURE}.png")

    def close(self, *, finished: bool) -> None:
        if finished:
            self._client.set_terminated(self.id)


class WeightsAndBiases:
    """A run of the project that is called as the study; offline, in <folder>/wandb."""

    def __init__(self, run: TrackedRun, folder: Path, known_id: str) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self.id = known_id or secrets.token_hex(4)
        self._run = wandb.init(
            project=run.study,
            name=run.name,
            id=self.id,
            resume="allow",
            dir=str(folder),
            # wandb checks it
            mode=os.environ.get("WANDB_MODE", "offline"),  # type: ignore[arg-type]
            config=dict(run.settings),
            # neither the terminal, nor the machine, nor the code
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_git=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_stats=True,
            ),
        )

    def log(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._run.log(curves(row), step=int(row[STEP]))

    def show(self, picture: Image.Image) -> None:
        import wandb

        self._run.log({PICTURE: wandb.Image(picture)}, step=0)

    def close(self, *, finished: bool) -> None:
        self._run.finish()


TRACKERS: Mapping[str, Callable[[TrackedRun, Path, str], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": WeightsAndBiases,
}

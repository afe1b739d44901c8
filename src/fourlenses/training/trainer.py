"""The training loop that all methods share.

Views, gradients, a step; a row of the history per epoch; a checkpoint now and then.
"""

import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.core.progress import progress_bar
from fourlenses.data.loading.inputs import Input
from fourlenses.methods.method import Method
from fourlenses.models.batch_norm import average_running_statistics
from fourlenses.parallel.devices import to_device
from fourlenses.parallel.distributed import all_reduce_max, rank, world_size
from fourlenses.resume.checkpoint import Checkpoints
from fourlenses.resume.live_progress import LiveProgress
from fourlenses.resume.time_limit import TimeLimit
from fourlenses.training.convergence import LossRecord, LossSummary
from fourlenses.training.optimizers.sgd_adamw import Optimizer
from fourlenses.training.sampling import Stream
from fourlenses.training.schedule import Schedule, learning_rate
from fourlenses.training.step.build import build_step
from fourlenses.training.step_config import StepConfig

log = logging.getLogger(__name__)

MOST_ROWS = 200  # of a history: beyond that many epochs a row stands for several
MOST_MEASUREMENTS = 20  # by the collapse monitor in a run
# ASKED to stop, by a signal to any of the processes; otherwise STOP, as the time limit is over
GO_ON, SAVE, STOP, ASKED = range(4)
# steps between two common decisions of several processes: each makes them wait for each other
_DECIDE_EVERY = 10


class Diverged(UserError):
    """The loss is not finite."""


@dataclass(kw_only=True)
class Outcome:
    """What a training leaves besides its weights.

    Attributes:
        history: a row per epoch (at most `MOST_ROWS`).
        seconds: spent training, over all attempts.
        cpu_seconds: of processor time meanwhile, of all threads of the first process.
        images: source images trained on, each as often as it came.
        losses: over the twentieths of the steps.
    """

    history: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    images: int = 0
    losses: LossSummary = field(default_factory=LossSummary)


@dataclass(kw_only=True)
class Progress:
    """Where a run stands.

    All randomness is counted, not carried along, so this and the modules' state are everything.

    Attributes:
        seconds: spent training, over all attempts.
        cpu_seconds: of processor time, over all attempts.
        sums: of the loss and the diagnostics (float64 scalars) since the last row of the history.
    """

    step: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    history: list[dict] = field(default_factory=list)
    sums: dict[str, Tensor] = field(default_factory=dict)


class Trainer:
    """One training: what is trained, on what, and everything that watches over it.

    `train` may be called once.

    Args:
        data: the images, with the views that the method needs.
        step_config: how a step is computed.
        seed: of the order of the images.
        checkpoints: where this training's own lie.
        checkpoint_seconds: time between two of them.
        time_limit: when to take one and stop.
        description: for the log, the progress bar and the progress file.
        measure: called with the method now and then, in the first process, for more columns of the
            history.
        verify: called by all processes before anything is written; it raises in all of them where
            another job holds the directory now.
    """

    def __init__(
        self,
        method: Method,
        optimizer: Optimizer,
        data: Input,
        *,
        schedule: Schedule,
        step_config: StepConfig,
        seed: int,
        checkpoints: Checkpoints,
        checkpoint_seconds: float,
        time_limit: TimeLimit,
        description: str,
        measure: Callable[[Method], dict[str, float]] | None = None,
        verify: Callable[[], None] = lambda: None,
    ) -> None:
        self.method, self.optimizer, self.data = method, optimizer, data
        self.schedule, self.step_config = schedule, step_config
        self.checkpoints, self.checkpoint_seconds = checkpoints, checkpoint_seconds
        self.time_limit, self.verify = time_limit, verify
        self.measure, self.description = measure, description
        self.stream = Stream(len(data.labels), schedule.batch_size, seed)
        # positions of the batches that the input asked for, not yet trained on
        self.drawn: deque[np.ndarray] = deque()
        self.labels = data.labels
        self.epoch_steps = max(1, -(-len(data.labels) // schedule.batch_size))
        self.row_steps = max(self.epoch_steps, -(-schedule.total_steps // MOST_ROWS))
        rows = -(-schedule.total_steps // self.row_steps)
        self.rows_a_measurement = -(-rows // MOST_MEASUREMENTS)
        self.progress = Progress()
        # not all that an encoder has: some networks have weights that never learn
        self.late = [
            parameter
            for parameter in (method.encoder.parameters() if schedule.frozen_steps else ())
            if parameter.requires_grad
        ]
        self.losses = LossRecord(schedule.total_steps, step_config.device)
        self.live = LiveProgress(
            checkpoints.directory,
            description,
            total_steps=schedule.total_steps,
            batch_size=schedule.batch_size,
            images=len(data.labels),
            enabled=rank() == 0,
        )
        self.first_bad = torch.tensor(math.inf, dtype=torch.float64, device=step_config.device)

    def train(self, state: dict | None) -> Outcome:
        """Train the method in place.

        On a CPU the final weights are the same to the last bit however often the run was
        interrupted.

        Args:
            state: of a checkpoint; None to start from the beginning.

        Raises:
            Diverged: the loss is not finite; the message names the step and the last good
                checkpoint.
            Interrupted: the time limit is over; a checkpoint has been taken.
        """
        layout = torch.channels_last if self.step_config.channels_last else torch.contiguous_format
        # before the optimiser's state, which goes where the weights are
        self.method.to(device=self.step_config.device).to(memory_format=layout).train()
        if state is not None:
            self._restore(state)
        total = self.schedule.total_steps
        # once everything that it reads and writes is in its place
        self.update = build_step(self.method, self.optimizer, self.step_config, total_steps=total)
        self.started = self.saved = time.monotonic()
        self.seconds_before = self.progress.seconds
        self.cpu_before = self.progress.cpu_seconds - time.process_time()
        begun = self.progress.step
        bar = progress_bar(self.description, "step", total, initial=begun, shown=rank() == 0)
        batches = self.data.batches(self._chosen())
        with bar, contextlib.closing(batches), self.live:
            self.live.took(self.progress.step, self.progress.history)
            began = time.monotonic()  # of a step, its wait for a batch included
            for step, views in zip(range(self.progress.step, total), batches, strict=False):
                self._step(step, views)
                self.progress.step = step + 1
                if self.step_config.device.type == "cpu":
                    self._check()
                if (step + 1) % self.row_steps == 0 or step + 1 == total:
                    bar.set_postfix_str(self._row(step), refresh=False)
                bar.update()
                self.live.took(step + 1, self.progress.history)
                self.time_limit.took_step(time.monotonic() - began)
                if step + 1 < total:
                    self._keep_or_stop(step)
                began = time.monotonic()
        average_running_statistics(self.method)
        images = self.progress.step * self.schedule.batch_size
        return Outcome(
            history=self.progress.history,
            seconds=self.progress.seconds,
            cpu_seconds=self._cpu_seconds(),
            images=images,
            losses=self.losses.summary(),
        )

    def _chosen(self) -> Iterator[tuple]:
        """This process's positions and epochs, step by step.

        An input may ask for them some steps ahead.
        """
        share = self.schedule.batch_size // world_size()
        shard = slice(rank() * share, (rank() + 1) * share)
        for step in range(self.progress.step, self.schedule.total_steps):
            positions, epochs = self.stream.batch(step)
            self.drawn.append(positions)
            yield positions[shard], epochs[shard]

    def _step(self, step: int, views: list[Tensor]) -> None:
        schedule = self.schedule
        labels = to_device(self.labels[self.drawn.popleft()], self.step_config.device)
        rate = learning_rate(
            step,
            total_steps=schedule.total_steps,
            warmup_steps=schedule.warmup_steps,
            peak=schedule.peak_learning_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        for parameter in self.late:
            parameter.requires_grad_(step >= schedule.frozen_steps)
        loss, diagnostics = self.update(step, views, labels)
        sums = self.progress.sums
        for key, value in {"loss": loss, **diagnostics}.items():
            sums[key] = sums.get(key, 0.0) + value.detach().double()
        self.losses.add(step, loss)
        # Inspected later, as that makes the host wait for a GPU.
        self.first_bad = torch.where(
            loss.isfinite(), self.first_bad, self.first_bad.clamp(max=step)
        )

    def _check(self) -> None:
        first_bad = float(self.first_bad)
        if math.isfinite(first_bad):
            good = self.checkpoints.newest_path()
            raise Diverged(
                f"{self.description}: the loss of step {int(first_bad)} of "
                f"{self.schedule.total_steps} is not finite (peak learning rate "
                f"{self.schedule.peak_learning_rate:.3g}); lower 'learning_rate' of the method. "
                + (
                    f"The last good checkpoint is {good}"
                    if good
                    else "No checkpoint had been taken"
                )
            )

    def _row(self, step: int) -> str:
        """Close a row of the history; return what the progress bar shows of it."""
        self._check()
        progress, schedule = self.progress, self.schedule
        count = step % self.row_steps + 1
        means = {key: float(value) / count for key, value in progress.sums.items()}
        progress.sums = {}
        progress.seconds = self._seconds()
        images = (step + 1) * schedule.batch_size
        speed = images / max(progress.seconds, 1e-9)
        number = -(-(step + 1) // self.row_steps)
        measured = {}
        if self.measure and (
            number % self.rows_a_measurement == 0 or step + 1 == schedule.total_steps
        ):
            average_running_statistics(self.method)
            measured = self.measure(self.method) if rank() == 0 else {}
        rate = self.optimizer.param_groups[0]["lr"]
        epoch = round(images / len(self.labels), 3)
        row = {
            "step": step + 1,
            "epoch": epoch,
            **means,
            "learning_rate": rate,
            "images_per_second": speed,
            **measured,
        }
        progress.history.append(row)
        return f"loss {means['loss']:.3f}, {speed:.0f} images/s"

    def _keep_or_stop(self, step: int) -> None:
        """Take a checkpoint where one is due, and stop where the time limit is over.

        One is due every `checkpoint_seconds`, and at the end of an epoch when a tenth of that has
        passed.
        """
        epoch_ends = (step + 1) % self.epoch_steps == 0
        if world_size() > 1 and not epoch_ends and (step + 1) % _DECIDE_EVERY:
            return
        age = time.monotonic() - self.saved
        due = age >= self.checkpoint_seconds or (epoch_ends and age >= self.checkpoint_seconds / 10)
        stop = (
            (STOP if self.time_limit.signal is None else ASKED) if self.time_limit.due() else GO_ON
        )
        decision = all_reduce_max(max(stop, SAVE if due else GO_ON), self.step_config.device)
        if decision == GO_ON:
            return
        self._check()
        saved = self._save()
        if decision >= STOP:
            newest = self.checkpoints.newest_path()
            raise self.time_limit.interrupted(
                step + 1, self.schedule.total_steps, newest, saved=saved and decision == STOP
            )

    def _save(self) -> bool:
        """Take a checkpoint in the first process; return whether that could be done."""
        began = time.monotonic()
        average_running_statistics(self.method)
        progress = self.progress
        progress.seconds, saved = self._seconds(), True
        progress.cpu_seconds = self._cpu_seconds()
        self.verify()
        if rank() == 0:
            state = {
                "method": self.method.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": progress.step,
                "seconds": progress.seconds,
                "cpu_seconds": progress.cpu_seconds,
                "history": progress.history,
                "sums": progress.sums,
                "losses": self.losses.state,
                "input": self.data.kind,
            }
            saved = self.checkpoints.save(progress.step, state)
        self.saved = time.monotonic()
        self.time_limit.took_save(self.saved - began)
        return saved

    def _restore(self, state: dict) -> None:
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        sums = {key: value.to(self.step_config.device) for key, value in state["sums"].items()}
        # a checkpoint from before these were recorded has neither them nor the losses
        self.progress = Progress(
            step=state["step"],
            seconds=state["seconds"],
            cpu_seconds=state.get("cpu_seconds", 0.0),
            history=state["history"],
            sums=sums,
        )
        self.losses = LossRecord(
            self.schedule.total_steps, self.step_config.device, state.get("losses")
        )
        log.info("resuming at step %d of %d", self.progress.step, self.schedule.total_steps)

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started

    def _cpu_seconds(self) -> float:
        return self.cpu_before + time.process_time()

"""The training loop all methods share: batch, views, loss, step; a history row per epoch; a checkpoint now and then."""

import logging
import os
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from fourlenses.data.resident import Images
from fourlenses.data.views import Views
from fourlenses.errors import UserError
from fourlenses.training.checkpoint import Checkpoints
from fourlenses.training.multi_tensor import Optimizer
from fourlenses.training.sampling import Stream
from fourlenses.training.schedule import learning_rate

log = logging.getLogger(__name__)


@dataclass
class Schedule:
    """batch_size in source images; steps in optimiser updates; peak_learning_rate after scaling."""

    batch_size: int
    total_steps: int
    warmup_steps: int
    peak_learning_rate: float


@dataclass
class Outcome:
    """history: one row per epoch (at most `_ROWS`). seconds: spent training, over all attempts. images: source images seen."""

    history: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    images: int = 0


_ROWS = 200


def train(
    method: nn.Module,
    data: Images,
    views: list[Views],
    optimizer: Optimizer,
    schedule: Schedule,
    seed: int,
    device: torch.device,
    checkpoints: Checkpoints,
    checkpoint_seconds: float,
    description: str,
) -> Outcome:
    """Train ``method`` in place. Resumes from the newest checkpoint; on a CPU the final weights are then the same to the last bit.

    Raises:
        UserError: the loss is not finite; the message names the step.
    """
    # --- resume: everything but the step number is state of the modules, since all randomness is counted, not carried along
    outcome, first = Outcome(), 0
    method.to(device, memory_format=torch.channels_last).train()  # before the optimiser's state, which goes where the weights are
    state = checkpoints.newest()
    if state is not None:
        method.load_state_dict(state["method"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
        outcome = Outcome(state["history"], state["seconds"], first * schedule.batch_size)
        log.info("resuming at step %d of %d", first, schedule.total_steps)

    stream = Stream(len(data.labels), schedule.batch_size, seed)
    images, labels = data.images.to(device), torch.from_numpy(data.labels).to(device)
    row_steps = max(-(-len(data.labels) // schedule.batch_size), -(-schedule.total_steps // _ROWS))
    sums: dict[str, torch.Tensor] = {}
    spent, started, saved = outcome.seconds, time.monotonic(), time.monotonic()
    interval = 0.5 if os.isatty(2) else 15
    bar = tqdm(total=schedule.total_steps, initial=first, desc=description, unit="step", mininterval=interval, file=sys.stderr)

    for step in range(first, schedule.total_steps):
        # --- batch and views
        positions, epochs = stream.batch(step)
        chosen = images[torch.from_numpy(positions).to(device)]
        batch = [view(chosen, data.ids[positions], epochs, number) for number, view in enumerate(views)]
        batch = [view.contiguous(memory_format=torch.channels_last) for view in batch]

        # --- step
        rate = learning_rate(step, schedule.total_steps, schedule.warmup_steps, schedule.peak_learning_rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, diagnostics = method(batch, labels[torch.from_numpy(positions).to(device)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        # --- history
        for key, value in {"loss": loss, **diagnostics}.items():
            sums[key] = sums.get(key, 0.0) + value.detach().double()
        last = step + 1 == schedule.total_steps
        if (step + 1) % row_steps == 0 or last:
            means = {key: float(value) / ((step % row_steps) + 1) for key, value in sums.items()}
            if not np.isfinite(means["loss"]):
                bar.close()
                raise UserError(
                    f"the loss is {means['loss']} between steps {step - step % row_steps} and {step} (learning rate {rate:.3g}); "
                    f"lower 'learning_rate' of the method; checkpoints taken before are in {checkpoints.directory}"
                )
            outcome.seconds = spent + time.monotonic() - started
            outcome.images = (step + 1) * schedule.batch_size
            speed = outcome.images / max(outcome.seconds, 1e-9)
            outcome.history.append(
                {
                    "step": step + 1,
                    "epoch": round(outcome.images / len(data.labels), 3),
                    **means,
                    "learning_rate": rate,
                    "images_per_second": speed,
                }
            )
            bar.set_postfix_str(f"loss {means['loss']:.3f}, {speed:.0f} images/s", refresh=False)
            sums = {}
            # --- checkpoint: only where a history row is complete, so that a resumed history has no gap
            if not last and time.monotonic() - saved >= checkpoint_seconds:
                state = {
                    "method": method.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step + 1,
                    "history": outcome.history,
                    "seconds": outcome.seconds,
                }
                checkpoints.save(step + 1, state)
                saved = time.monotonic()
        bar.update()
    bar.close()
    return outcome

"""One update of a training, operation by operation."""

import logging

from torch import Tensor

from fourlenses.methods.method import Diagnostics, Method
from fourlenses.training.gradient_cache import add_gradients
from fourlenses.training.optimizers.sgd_adamw import Optimizer
from fourlenses.training.step_config import StepConfig

log = logging.getLogger(__name__)


def log_plain_steps(reason: str) -> None:
    """Log why a training that was to have replayed steps has plain ones."""
    log.warning("steps are not recorded (training.step: graph) but launched one by one: %s", reason)


class Step:
    """Gradients of a batch, the optimiser's update, and what follows it.

    Learning rates are those of the optimiser's groups.

    Args:
        total_steps: of the training.
    """

    def __init__(
        self, method: Method, optimizer: Optimizer, config: StepConfig, *, total_steps: int
    ) -> None:
        self.method, self.optimizer, self.config = method, optimizer, config
        self.total_steps = total_steps

    def __call__(
        self, step: int, views: list[Tensor], labels: Tensor
    ) -> tuple[Tensor, Diagnostics]:
        """Make an update; return the loss and the diagnostics.

        They are to be read before the next update.

        Args:
            step: of the training, from 0.
            views, labels: as in `add_gradients`.
        """
        result = self.compute(step, self.config.arrange(views), labels)
        self.optimizer.count()
        return result

    def compute(self, step: int, views: list[Tensor], labels: Tensor) -> tuple[Tensor, Diagnostics]:
        """All that an update does on the device; of it the host has to count alone."""
        self.optimizer.zero_grad()
        loss, diagnostics, targets = add_gradients(
            self.method,
            views,
            labels,
            micro_batch=self.config.micro_batch,
            autocast=self.config.autocast(),
        )
        self.optimizer.apply()
        self.method.after_step(targets, step, self.total_steps)
        return loss, diagnostics

"""How the updates of a training are made."""

from fourlenses.methods.method import Method
from fourlenses.parallel.distributed import world_size
from fourlenses.training.optimizers.sgd_adamw import Optimizer
from fourlenses.training.step.plain import Step, log_plain_steps
from fourlenses.training.step.replayed import GraphRecorder, ReplayedStep
from fourlenses.training.step_config import StepConfig


def build_step(
    method: Method, optimizer: Optimizer, config: StepConfig, *, total_steps: int
) -> Step:
    """Return what makes the updates, replayed ones where ``config.graph`` asks for them.

    To be called once weights and the optimiser's state are where they stay.
    """
    if config.graph:
        reason = _unfit(method, config)
        if reason is None:
            recorder = GraphRecorder()
            return ReplayedStep(
                method, optimizer, config, total_steps=total_steps, recorder=recorder
            )
        log_plain_steps(reason)
    return Step(method, optimizer, config, total_steps=total_steps)


def _unfit(method: Method, config: StepConfig) -> str | None:
    """Return why nothing is recorded in this training; None if it may be."""
    if config.device.type != "cuda":
        return "it computes on no GPU"
    if world_size() > 1:
        return f"it has {world_size()} processes"
    if config.micro_batch:
        return "its batches pass through the encoder in pieces (micro_batch)"
    if any(getattr(module, "_compiled_call_impl", None) for module in method.modules()):
        return "its encoder is compiled (training.compile)"
    return None

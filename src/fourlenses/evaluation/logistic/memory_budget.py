"""The parts of a logistic regression that are held in memory at once.

Decided from its size and a budget, before any of it is allocated.
"""

from dataclasses import dataclass

import torch

from fourlenses.core.errors import UserError
from fourlenses.core.machine.memory import memory_limit

# Pairs of vectors that the solver remembers: the most that fit.
HISTORY = (20, 10, 7, 5, 3)
# float64 vectors of parameters alive at once: points, gradients and what is between them.
VECTORS = 12
# An eigendecomposition of this many axes takes a fraction of a second; beyond, it must be worth its
# time (see `plan_memory`).
SMALL_ROTATION = 768
MAX_ROTATION = 4096


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """How one regression is solved.

    Attributes:
        resident: the rotated features are held as float32; otherwise the features are read again
            at each evaluation.
        rotated: principal axes are used.
        history: pairs of vectors of the solver.
        curvature_axes: leading axes of each class's curvature block.
        sample: rows that the curvature is taken from.
    """

    resident: bool
    rotated: bool
    history: int
    curvature_axes: int
    sample: int


def default_budget(device: torch.device) -> int:
    """Return bytes: 60 % of a GPU's memory, or a quarter of the machine's (or the job's limit).

    Of the total, not of what is free just now: the plan, hence the last bits of a result, must
    not depend on the neighbours.
    """
    if device.type == "cuda":
        return int(0.6 * torch.cuda.get_device_properties(device).total_memory)
    return memory_limit().bytes // 4


def plan_memory(count: int, *, width: int, classes: int, memory: int) -> MemoryPlan:
    """Split the memory: half to the solver's vectors, the rest to curvature and features.

    Of the rest at most half goes to the curvature, then the features are held if they fit.

    Args:
        count: rows N.
        width: features D of a row.
        classes: with a label.
        memory: bytes.

    Raises:
        UserError: not even the vectors fit.
    """
    small = min(count, width)
    # Decomposing takes about the time of 20 evaluations where these are equal, and saves more.
    few_axes = small <= SMALL_ROTATION
    worth_it = few_axes or (small <= MAX_ROTATION and small**3 <= count * width * classes / 4)
    sizes = {"width": width, "classes": classes, "memory": memory}
    plan = _split(count, **sizes, rotated=worth_it)
    # Fewer rows than axes cannot show them all.
    return plan if plan.sample >= small else _split(count, **sizes, rotated=False)


def _split(count: int, *, width: int, classes: int, memory: int, rotated: bool) -> MemoryPlan:
    rank = min(count, width) if rotated else width
    parameters = classes * (rank + 1)
    fixed = 8 * parameters * VECTORS + 12 * width * width * rotated
    fitting = (pairs for pairs in HISTORY if fixed + 8 * parameters * pairs <= memory / 2)
    history = next(fitting, HISTORY[-1])
    state = fixed + 8 * parameters * history
    if state > memory:
        raise UserError(
            f"a linear classifier of {classes} classes on {width} features needs "
            f"{state / 2**20:.0f} MiB besides the features, but its memory is "
            f"{memory / 2**20:.0f} MiB: raise it, or use an encoder of fewer features"
        )
    left = memory - state
    axes = 0
    if rotated:
        # Building the blocks (4 C r^3 operations) must not take longer than three evaluations
        # (4 N C R), nor more than its memory.
        affordable = (3 * count * rank) ** (1 / 3)
        fits = (left / 2 / (12 * classes)) ** 0.5
        axes = int(min(rank + 1, affordable, fits))
    left -= 12 * classes * axes * axes
    resident = 4 * count * (rank + 1) <= left / 2
    sample = count if resident else min(count, max(64, int(left / 4 / (4 * (rank + 1)))))
    return MemoryPlan(
        resident=resident, rotated=rotated, history=history, curvature_axes=axes, sample=sample
    )

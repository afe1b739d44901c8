"""What of a logistic regression is held in memory at once: decided from its size and a budget, before any of it is allocated."""

from dataclasses import asdict, dataclass

import torch

from fourlenses.core.errors import UserError
from fourlenses.core.memory import memory_limit

HISTORY = (10, 7, 5, 3)  # pairs of vectors the solver remembers, the most that fit
VECTORS = (
    12  # float64 vectors of parameters alive at once: points, gradients and what is between them
)
# An eigendecomposition of so many axes takes a fraction of a second; beyond, it must be worth its time (see ``plan``).
SMALL_ROTATION = 768
MAX_ROTATION = 4096


@dataclass(frozen=True)
class Plan:
    """resident: the turned features are held as float32, or read again at each evaluation. rotated: principal axes are used.
    history: pairs of the solver. curvature_axes: leading axes of each class's curvature block. sample: rows the curvature is taken from."""

    resident: bool
    rotated: bool
    history: int
    curvature_axes: int
    sample: int

    def record(self) -> dict:
        return asdict(self)


def default_budget(device: torch.device) -> int:
    """Bytes: 60 % of a GPU's memory, a quarter of the machine's (or of the job's limit).

    Of the total, not of what is free just now: the plan, hence the last bits of a result, shall not depend on the neighbours.
    """
    if device.type == "cuda":
        return int(0.6 * torch.cuda.get_device_properties(device).total_memory)
    return memory_limit().bytes // 4


def plan(count: int, width: int, classes: int, memory: int) -> Plan:
    """Split ``memory`` (bytes) for N rows of D features in C classes.

    Half goes to the solver's vectors; of the rest at most half to the curvature, then the features if they fit. UserError if not even
    the vectors fit.
    """
    small = min(count, width)
    # Decomposing takes about the time of 20 evaluations where these are equal, and saves more than that.
    worth_it = small <= SMALL_ROTATION or (
        small <= MAX_ROTATION and small**3 <= count * width * classes / 4
    )
    found = _split(count, width, classes, memory, worth_it)
    # Fewer rows than axes cannot show them all.
    return found if found.sample >= small else _split(count, width, classes, memory, False)


def _split(count: int, width: int, classes: int, memory: int, rotated: bool) -> Plan:
    rank = min(count, width) if rotated else width
    parameters = classes * (rank + 1)
    fixed = 8 * parameters * VECTORS + 12 * width * width * rotated
    history = next(
        (pairs for pairs in HISTORY if fixed + 8 * parameters * pairs <= memory / 2), HISTORY[-1]
    )
    state = fixed + 8 * parameters * history
    if state > memory:
        raise UserError(
            f"a linear classifier of {classes} classes on {width} features needs {state / 2**20:.0f} MiB beside the features, "
            f"but its memory is {memory / 2**20:.0f} MiB: raise it, or use an encoder of fewer features"
        )
    left = memory - state
    # Building the blocks (4 C r^3 operations) shall not take longer than three evaluations (4 N C R), nor more than its memory.
    axes = (
        int(min(rank + 1, (3 * count * rank) ** (1 / 3), (left / 2 / (12 * classes)) ** 0.5))
        if rotated
        else 0
    )
    left -= 12 * classes * axes * axes
    resident = 4 * count * (rank + 1) <= left / 2
    sample = count if resident else min(count, max(64, int(left / 4 / (4 * (rank + 1)))))
    return Plan(resident, rotated, history, axes, sample)

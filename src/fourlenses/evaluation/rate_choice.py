"""Choose a learning rate by training with each on a part of the labels and looking at the held-out rest."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from fourlenses.errors import UserError
from fourlenses.evaluation import held_out
from fourlenses.evaluation.training_progress import TrainingProgress


@dataclass(frozen=True)
class Candidate:
    """correct: right answers on the held-out images. log_loss: there. Both None where training diverged. seconds: that it took."""

    correct: int | None
    log_loss: float | None
    seconds: float


@dataclass(frozen=True)
class Choice:
    """record: its entries on the choice. seconds: that choosing took, over all attempts. notes: sentences for the record."""

    rate: float
    record: dict
    seconds: float
    notes: list[str]


def choose(
    rates: Sequence[float],
    labels: np.ndarray,
    fraction: float,
    seed: int,
    progress: TrainingProgress,
    try_rate: Callable[[float, np.ndarray, np.ndarray], Candidate | None],
) -> Choice:
    """The rate with the best validation accuracy; then with the lower validation log-loss; then the lower rate.

    labels: int (n,), of the labelled images. ``try_rate`` (rate, positions to train on, positions to look at) is called for what
    ``progress`` does not hold yet. With one rate there is nothing to choose; where there is nothing to choose by, the middle rate is taken
    (the lower of the middle two) and a note says so.

    Raises:
        UserError: training diverged with every rate.
    """
    rates = sorted(float(rate) for rate in rates)
    record = {"learning_rates": rates, "n_validation": 0, "validation_accuracy": None}
    validation, rest, reason = held_out.split(labels, fraction, seed)
    if len(rates) == 1 or reason:
        rate = rates[(len(rates) - 1) // 2]
        notes = [f"{reason}: the middle learning rate {rate:g} was taken"] if len(rates) > 1 else []
        return Choice(rate, record | {"learning_rate": rate}, 0.0, notes)
    rest = np.sort(rest)
    candidates = []
    for rate in rates:
        name = f"rate{rate!r}"
        found = progress.found(name)
        if found is None:
            tried = try_rate(rate, rest, validation)
            found = progress.store(name, tried and asdict(tried))
        candidates.append(Candidate(**found))
    whole = [place for place, one in enumerate(candidates) if one.correct is not None]
    if not whole:
        raise UserError(f"training diverged with every one of 'learning_rates' {rates}; name lower ones")
    notes = [f"training diverged with learning rate {rates[place]:g}" for place in range(len(rates)) if place not in whole]
    best = max(whole, key=lambda place: (candidates[place].correct, -candidates[place].log_loss, -rates[place]))
    accuracies = [None if one.correct is None else 100 * one.correct / len(validation) for one in candidates]
    record |= {"n_validation": len(validation), "validation_accuracy": accuracies, "learning_rate": rates[best]}
    return Choice(rates[best], record, sum(one.seconds for one in candidates), notes)

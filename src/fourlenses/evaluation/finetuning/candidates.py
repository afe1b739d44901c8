"""Choose learning rate and weight decay: train with each pair on a part of the labels, and test on
the held-out rest."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.evaluation import validation_split as held_out
from fourlenses.evaluation.finetuning.progress import TrainingProgress


@dataclass(frozen=True, order=True)
class Candidate:
    """What a training is made with. learning_rate: before scaling (`lr_scaling`)."""

    learning_rate: float
    weight_decay: float

    @property
    def name(self) -> str:
        """Of its checkpoints and its results; exact, so no two candidates share it."""
        return f"rate{self.learning_rate!r}_decay{self.weight_decay!r}"

    def __str__(self) -> str:
        return f"learning rate {self.learning_rate:g}, weight decay {self.weight_decay:g}"


@dataclass(frozen=True)
class Trial:
    """correct: right answers on the held-out images. log_loss: there. Both None where training
    diverged. seconds: that it took."""

    correct: int | None
    log_loss: float | None
    seconds: float


@dataclass(frozen=True)
class Choice:
    """record: its entries on the choice. seconds: that choosing took, over all attempts. notes:
    sentences for the record."""

    candidate: Candidate
    record: dict
    seconds: float
    notes: list[str]


def candidates_of(hyper: dict) -> list[Candidate]:
    """All pairs of ``learning_rates`` and ``weight_decays``, ascending: by rate, then by decay."""
    rates, decays = (
        sorted(float(value) for value in hyper[key]) for key in ("learning_rates", "weight_decays")
    )
    return [Candidate(rate, decay) for rate in rates for decay in decays]


def choose(
    candidates: Sequence[Candidate],
    labels: np.ndarray,
    *,
    fraction: float,
    seed: int,
    progress: TrainingProgress,
    try_candidate: Callable[[Candidate, np.ndarray, np.ndarray], Trial | None],
    reason: str | None = None,
) -> Choice:
    """The candidate with the best validation accuracy; then with the lower validation log-loss;
    then the lower rate; then the lower decay.

    Args:
        candidates: all pairs of some rates and some decays (`candidates_of`).
        labels: int (n,), of the labelled images.
        try_candidate: called with a candidate, positions to train on and positions to test on, for
            each that ``progress`` does not hold yet.
        reason: why held-out labels are none to choose by, if there is a reason.

    With one candidate there is nothing to choose. Where there is nothing to choose by, the middle
    rate and the middle decay are taken (the lower of the middle two), and a note says so.

    The record's entries are learning_rates and weight_decays (ascending), learning_rate and
    weight_decay (the chosen ones), n_validation, and validation_accuracy: percent, one per
    candidate, by rate and then by decay; None where training diverged, or where nothing was chosen.

    Raises:
        UserError: training diverged with every candidate.
    """
    candidates = sorted(candidates)
    rates = sorted({one.learning_rate for one in candidates})
    decays = sorted({one.weight_decay for one in candidates})
    record = {
        "learning_rates": rates,
        "weight_decays": decays,
        "n_validation": 0,
        "validation_accuracy": None,
    }
    validation, rest, too_few = held_out.split(labels, fraction, seed)
    reason = reason or too_few
    if len(candidates) == 1 or reason:
        middle = Candidate(_lower_middle(rates), _lower_middle(decays))
        notes = [f"{reason}: the middle was taken, {middle}"] if len(candidates) > 1 else []
        return Choice(middle, record | asdict(middle), 0.0, notes)
    rest = np.sort(rest)
    trials = []
    for candidate in candidates:
        found = progress.found(candidate.name)
        if found is None:
            tried = try_candidate(candidate, rest, validation)
            found = progress.store(candidate.name, tried and asdict(tried))
        trials.append(Trial(**found))
    whole = [place for place, trial in enumerate(trials) if trial.correct is not None]
    if not whole:
        raise UserError(
            f"training diverged with every one of 'learning_rates' {rates} and 'weight_decays' {decays}; name lower rates"
        )
    notes = [
        f"training diverged with {candidates[place]}"
        for place in range(len(candidates))
        if place not in whole
    ]
    # the candidates are in ascending order, so the first of equals has the lower rate, then decay
    best = max(whole, key=lambda place: (trials[place].correct, -trials[place].log_loss, -place))
    accuracies = [
        None if trial.correct is None else 100 * trial.correct / len(validation) for trial in trials
    ]
    record |= {
        "n_validation": len(validation),
        "validation_accuracy": accuracies,
        **asdict(candidates[best]),
    }
    return Choice(candidates[best], record, sum(trial.seconds for trial in trials), notes)


def _lower_middle(ascending: Sequence[float]) -> float:
    return ascending[(len(ascending) - 1) // 2]

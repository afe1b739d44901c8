"""The choice of learning rate and weight decay.

Each pair is trained with on a part of the labels and tested on the validation split, the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.evaluation import validation_split
from fourlenses.evaluation.finetuning.progress import TrainingProgress
from fourlenses.evaluation.finetuning.settings import FinetuningHyperparameters


@dataclass(frozen=True, order=True)
class Candidate:
    """A pair to train with.

    Attributes:
        learning_rate: before scaling (`lr_scaling`).
    """

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
    """A candidate's training and its test on the validation split.

    Attributes:
        correct: right answers on the validation images.
        log_loss: there, in nats. Both are None where the training diverged.
        seconds: that it took.
    """

    correct: int | None
    log_loss: float | None
    seconds: float

    @property
    def diverged(self) -> bool:
        return self.correct is None or self.log_loss is None

    @property
    def rank(self) -> tuple[int, float]:
        """What a better trial has more of; of one that did not diverge."""
        assert self.correct is not None
        assert self.log_loss is not None
        return self.correct, -self.log_loss

    def accuracy(self, images: int) -> float | None:
        """Percent of this number of validation images; None where the training diverged."""
        return None if self.correct is None else 100 * self.correct / images


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The candidate that was chosen, and among which.

    Attributes:
        learning_rates, weight_decays: of the candidates, ascending.
        n_validation: images that it was chosen on; 0 where nothing was chosen.
        validation_accuracy: percent, a number for each candidate, by rate and then by decay; None
            where its training diverged. None altogether where nothing was chosen.
        seconds: that choosing took, over all attempts.
        notes: sentences for the record.
    """

    candidate: Candidate
    learning_rates: list[float]
    weight_decays: list[float]
    n_validation: int = 0
    validation_accuracy: list[float | None] | None = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """What a record says of the choice."""
        return {
            "learning_rates": self.learning_rates,
            "weight_decays": self.weight_decays,
            "n_validation": self.n_validation,
            "validation_accuracy": self.validation_accuracy,
            **asdict(self.candidate),
        }


def candidates_of(hyper: FinetuningHyperparameters) -> list[Candidate]:
    """All pairs of ``learning_rates`` and ``weight_decays``, ascending: by rate, then by decay."""
    rates, decays = (
        sorted(map(float, values)) for values in (hyper.learning_rates, hyper.weight_decays)
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
    """Choose the candidate with the best validation accuracy.

    Of equals that with the lower validation log-loss; then the lower rate; then the lower decay.
    With one candidate there is nothing to choose. Where there is nothing to choose on, the middle
    rate and the middle decay are taken (the lower of the middle two), and a note says so.

    Args:
        candidates: all pairs of some rates and some decays (`candidates_of`).
        labels: int (n,), of the labelled images.
        fraction: share of the labels that is held out to choose on.
        seed: of the split.
        progress: what was found before an interruption.
        try_candidate: called with a candidate, positions to train on and positions to test on, for
            each that ``progress`` does not hold yet.
        reason: why held-out labels are none to choose by, if there is a reason.

    Raises:
        UserError: training diverged with every candidate.
    """
    candidates = sorted(candidates)
    rates = sorted({candidate.learning_rate for candidate in candidates})
    decays = sorted({candidate.weight_decay for candidate in candidates})
    validation, rest, too_few = validation_split.split(labels, fraction, seed)
    reason = reason or too_few
    if len(candidates) == 1 or reason:
        middle = Candidate(_lower_middle(rates), _lower_middle(decays))
        notes = [f"{reason}: the middle was taken, {middle}"] if len(candidates) > 1 else []
        return Choice(candidate=middle, learning_rates=rates, weight_decays=decays, notes=notes)
    rest = np.sort(rest)
    trials = []
    for candidate in candidates:
        known = progress.result_of(candidate.name)
        if known is None:
            trial = try_candidate(candidate, rest, validation)
            known = progress.store(candidate.name, None if trial is None else asdict(trial))
        trials.append(Trial(**known))
    return Choice(
        candidate=_best(candidates, trials),
        learning_rates=rates,
        weight_decays=decays,
        n_validation=len(validation),
        validation_accuracy=[trial.accuracy(len(validation)) for trial in trials],
        seconds=sum(trial.seconds for trial in trials),
        notes=[
            f"training diverged with {candidate}"
            for candidate, trial in zip(candidates, trials, strict=True)
            if trial.diverged
        ],
    )


def _best(candidates: Sequence[Candidate], trials: Sequence[Trial]) -> Candidate:
    """Return the candidate of the best trial.

    Args:
        candidates: ascending, so that the first of equals has the lower rate, then decay.
        trials: of each.
    """
    whole = [number for number, trial in enumerate(trials) if not trial.diverged]
    if not whole:
        rates = sorted({candidate.learning_rate for candidate in candidates})
        decays = sorted({candidate.weight_decay for candidate in candidates})
        raise UserError(
            f"training diverged with every one of 'learning_rates' {rates} and 'weight_decays' "
            f"{decays}; name lower rates"
        )
    return candidates[max(whole, key=lambda number: (*trials[number].rank, -number))]


def _lower_middle(ascending: Sequence[float]) -> float:
    return ascending[(len(ascending) - 1) // 2]

"""The protocol `linear`: a linear classifier on frozen features, for several label subsets.

Cole et al., CVPR 2022, sections 3 and 4, https://arxiv.org/abs/2105.05837. For each subset:
standardise by the mean and deviation of all its features (labels do not affect them), choose the
L2 strength on a validation split of the subset, fit again on the whole subset with it, and score
the test images once. With one strength there is nothing to choose: so it is for encoders that
were trained with labels of the target, which know the validation split by heart.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from fourlenses.core.errors import UserError
from fourlenses.core.progress import progress_bar
from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.design import block_rows
from fourlenses.evaluation.logistic.memory_budget import default_budget
from fourlenses.evaluation.logistic.path import Regression, Solution
from fourlenses.evaluation.probes.contract import LabelledFeatures, ProbeContext
from fourlenses.evaluation.probes.probe_inputs import (
    CheckedInputs,
    absent_classes,
    check_inputs,
    check_l2,
)
from fourlenses.evaluation.record import EvaluationResult
from fourlenses.evaluation.scores import Scores, joined, report, score
from fourlenses.evaluation.validation_split import split
from fourlenses.metrics.label_levels import LabelLevels

# Choosing among strengths needs their order; what is reported deserves the optimum itself. At
# 1e-4 the accuracy of a weakly penalised separable problem is still some tenths of a point off.
SELECTION_TOLERANCE = 1e-4
FINAL_TOLERANCE = 1e-5
Standardisation = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class LinearSettings:
    """The section `evaluation.linear` of a config.

    Attributes:
        l2: strengths to choose from.
        l2_of_supervised: the strength for encoders that were trained with labels of the target.
    """

    l2: list[float]
    l2_of_supervised: float


def evaluate_linear(context: ProbeContext) -> list[EvaluationResult]:
    """Evaluate the linear probe; details of a result: see `linear_probe`."""
    settings = context.settings.section("linear", LinearSettings)
    known = context.pretrained_with_labels
    results = linear_probe(
        context.train,
        context.test,
        context.subsets,
        levels=context.levels,
        l2=[settings.l2_of_supervised] if known else settings.l2,
        validation_fraction=context.settings.validation_fraction,
        seed=context.seed,
        device=context.device,
    )
    if not known:
        return results
    note = (
        f"the encoder was trained with labels of {context.dataset}, so none can validate a choice "
        f"of the L2 strength: l2_of_supervised {settings.l2_of_supervised:g} was taken"
    )
    return [replace(result, notes=[*result.notes, note]) for result in results]


@torch.inference_mode()  # a twentieth of the time of small regressions is autograd's
def linear_probe(
    train: LabelledFeatures,
    test: LabelledFeatures,
    subsets: Mapping[str, np.ndarray],
    *,
    levels: LabelLevels,
    l2: Sequence[float],
    validation_fraction: float,
    seed: int,
    device: str | torch.device | None = None,
    memory: int | None = None,
) -> list[EvaluationResult]:
    """Fit and test a classifier for each subset.

    Args:
        train: training features (N, D), read by blocks.
        test: test features (M, D), read by blocks.
        subsets: name -> positions in the training labels, int (n,), n from 2.
        levels: label levels of the target.
        l2: strengths of the penalty, different and positive. In scikit-learn C = 1 / (n l2).
        validation_fraction: of the labels, in [0, 1).
        seed: of the validation split.
        device: where to compute; by default that of the training features.
        memory: bytes for features, solver and curvature (`memory_budget.default_budget`).

    Returns:
        One result per subset, in the order given; details: `_Probe.result`. The log_loss is None,
        for infinite, where test images are of a class that the subset has no label of.

    Raises:
        UserError: inputs that do not fit together or are not finite, or too little memory.
    """
    candidates = check_l2(l2, validation_fraction)
    if levels.num_classes < 2:
        raise UserError(
            f"the target has {levels.num_classes} class: a linear classifier needs at least 2"
        )
    inputs = check_inputs(train, test, subsets, levels=levels)
    default_device = train.features.device if isinstance(train.features, torch.Tensor) else "cpu"
    train_rows, test_rows = _finite_rows(
        train, test, inputs, device=torch.device(device or default_device)
    )
    fits = len(inputs.positions) * (len(candidates) + 1)
    with progress_bar("linear", "fit", fits, inner=True) as bar:
        probe = _Probe(
            test_rows,
            inputs.test_labels,
            levels,
            l2=candidates,
            validation_fraction=validation_fraction,
            seed=seed,
            memory=memory or default_budget(test_rows.device),
            bar=bar,
        )
        return [
            probe.result(name, train_rows.among(positions), inputs.train_labels[positions])
            for name, positions in inputs.positions.items()
        ]


def _finite_rows(
    train: LabelledFeatures,
    test: LabelledFeatures,
    inputs: CheckedInputs,
    *,
    device: torch.device,
) -> tuple[FeatureRows, FeatureRows]:
    """The rows of both, once those in use are known to be finite."""
    train_rows = FeatureRows(train.features, None, device)
    test_rows = FeatureRows(test.features, None, device)
    used = np.unique(np.concatenate([np.empty(0, np.int64), *inputs.positions.values()]))
    train_rows.among(used).require_finite("train_features")
    test_rows.require_finite("test_features")
    return train_rows, test_rows


@dataclass(frozen=True, kw_only=True)
class _Selection:
    """The choice of a strength, entries and notes of the record, and a start for the final fit."""

    l2: float
    details: dict[str, Any]
    notes: list[str]
    start: Solution | None


class _Probe:
    """The protocol on one subset after the other; everything else is the same for all of them."""

    def __init__(
        self,
        test: FeatureRows,
        test_labels: np.ndarray,
        levels: LabelLevels,
        *,
        l2: list[float],
        validation_fraction: float,
        seed: int,
        memory: int,
        bar: tqdm,
    ) -> None:
        self.test, self.test_labels, self.levels, self.l2 = test, test_labels, levels, l2
        self.validation_fraction, self.seed = validation_fraction, seed
        self.memory, self.bar = memory, bar

    def result(self, subset: str, rows: FeatureRows, labels: np.ndarray) -> EvaluationResult:
        """Choose, fit and test on one subset: rows (n, D), labels int64 (n,).

        Details: l2_candidates (ascending) and the chosen l2; n_validation; validation_accuracy
        (percent), selection_gradient_norm and selection_iterations, one per candidate or None
        without a choice; gradient_norm and iterations of the final fit; solver
        (`memory_budget.MemoryPlan`).
        """
        timing, clock = {}, time.perf_counter()
        notes = absent_classes(labels, self.levels.num_classes)
        standardisation = rows.standardisation()
        timing["standardise"], clock = _lap(clock)

        selection = self._select(rows, labels, standardisation)
        notes += selection.notes
        timing["select"], clock = _lap(clock)
        regression = self._regression(rows, labels, standardisation)
        path = regression.path([selection.l2], tolerance=FINAL_TOLERANCE, initial=selection.start)
        ((_, final),) = path
        self.bar.update()
        if final.gradient_norm > FINAL_TOLERANCE:
            notes.append(
                f"the final fit stopped at a gradient norm of {final.gradient_norm:.2g}, above "
                f"{FINAL_TOLERANCE:g}"
            )
        timing["refit"], clock = _lap(clock)

        solver = asdict(regression.plan)
        del regression, path  # the features make room for the test images
        scores = _scores(self.test, self.test_labels, standardisation, solution=final)
        timing["test"], clock = _lap(clock)
        tested = report(scores, self.test_labels, self.levels)
        if not np.isin(self.test_labels, labels).all():
            tested = replace(tested, log_loss=None)
        details = {
            "l2_candidates": self.l2,
            "l2": selection.l2,
            **selection.details,
            "gradient_norm": final.gradient_norm,
            "iterations": final.iterations,
            "solver": solver,
        }
        return EvaluationResult(
            subset=subset,
            label_size=len(labels),
            report=tested,
            details=details,
            notes=notes,
            timing=timing,
        )

    def _regression(
        self, rows: FeatureRows, labels: np.ndarray, standardisation: Standardisation
    ) -> Regression:
        return Regression(
            rows,
            torch.from_numpy(labels),
            num_classes=self.levels.num_classes,
            standardisation=standardisation,
            memory=self.memory,
        )

    def _select(
        self, rows: FeatureRows, labels: np.ndarray, standardisation: Standardisation
    ) -> _Selection:
        """Choose a strength.

        The best validation accuracy wins; then the lower validation log-loss; then the stronger
        penalty. Where there is nothing to choose by, the middle strength is taken (the stronger
        of the middle two) and a note says so; also where the best is an end of the grid.
        """
        parts = split(labels, self.validation_fraction, self.seed)
        if parts.no_choice or len(self.l2) == 1:
            return self._middle(parts.no_choice)
        validation, train = np.sort(parts.validation), np.sort(parts.train)
        regression = self._regression(rows.among(train), labels[train], standardisation)
        size = len(self.l2)
        accuracies, norms, iterations = [0.0] * size, [0.0] * size, [0] * size
        best_rank, best, start = (-1, 0.0, 0.0), 0, None
        for index, solution in regression.path(self.l2, tolerance=SELECTION_TOLERANCE):
            scores = _scores(
                rows.among(validation), labels[validation], standardisation, solution=solution
            )
            correct = int((scores.predictions == labels[validation]).sum())
            assert scores.log_loss is not None
            rank = (correct, -scores.log_loss, self.l2[index])
            if rank > best_rank:
                best_rank, best, start = rank, index, solution
            accuracies[index] = 100 * correct / len(validation)
            norms[index], iterations[index] = solution.gradient_norm, solution.iterations
            self.bar.update()
        details = {
            "n_validation": len(validation),
            "validation_accuracy": accuracies,
            "selection_gradient_norm": norms,
            "selection_iterations": iterations,
        }
        return _Selection(
            l2=self.l2[best], details=details, notes=self._end_of_grid(best), start=start
        )

    def _middle(self, reason: str | None) -> _Selection:
        l2 = self.l2[len(self.l2) // 2]
        notes = [f"{reason}: the middle L2 strength {l2:g} was taken"] if len(self.l2) > 1 else []
        self.bar.update(len(self.l2))
        details = {
            "n_validation": 0,
            "validation_accuracy": None,
            "selection_gradient_norm": None,
            "selection_iterations": None,
        }
        return _Selection(l2=l2, details=details, notes=notes, start=None)

    def _end_of_grid(self, best: int) -> list[str]:
        if 0 < best < len(self.l2) - 1:
            return []
        end = "weakest" if best == 0 else "strongest"
        return [f"L2 strength {self.l2[best]:g} is the {end} of 'l2': a better one may lie beyond"]


def _scores(
    rows: FeatureRows, labels: np.ndarray, standardisation: Standardisation, *, solution: Solution
) -> Scores:
    shift, scale = standardisation
    size = block_rows(rows.device, classes=len(solution.bias), width=rows.width)
    parts = []
    for first, x in rows.blocks(size):
        y = torch.from_numpy(labels[first : first + len(x)]).to(x.device)
        standardised = (x - shift).div_(scale)
        parts.append(score(standardised, y, weights=solution.weights, bias=solution.bias))
    return joined(parts)


def _lap(since: float) -> tuple[float, float]:
    """Seconds since a reading of the clock, and a new reading."""
    now = time.perf_counter()
    return now - since, now

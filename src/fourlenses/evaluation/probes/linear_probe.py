"""Linear evaluation of frozen features on several subsets of the training labels (Cole et al., CVPR 2022, sections 3 and 4).

For each subset: standardise by the mean and deviation of all its features (no label has a say in them), choose the L2 strength on a
held-out part of the subset, fit again on the whole subset with it, and look at the test images once. With one strength there is nothing to
choose: so it is for encoders that were trained with labels of the target, which know the held-out part by heart (`evaluate`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fourlenses.core.progress import progress_bar
from fourlenses.evaluation.features.rows import FeatureRows
from fourlenses.evaluation.logistic.design import block_rows
from fourlenses.evaluation.logistic.memory_budget import default_budget
from fourlenses.evaluation.logistic.path import Regression, Solution
from fourlenses.evaluation.probes.probe_inputs import (
    check_levels,
    check_strengths,
    check_subset,
    labelled_features,
)
from fourlenses.evaluation.scores import Scores, joined, report, score
from fourlenses.evaluation.validation_split import split

# Choosing among strengths needs their order; what is reported deserves the optimum itself. At 1e-4 the accuracy of a weakly penalised
# separable problem is still some tenths of a point off.
SELECTION_TOLERANCE = 1e-4
FINAL_TOLERANCE = 1e-5
MAX_ITERATIONS = 500


@dataclass(frozen=True)
class Protocol:
    """What is the same for all subsets; see ``linear_probe``."""

    strengths: list[float]
    validation_fraction: float
    seed: int
    num_classes: int
    memory: int


def linear_probe(
    train_features: torch.Tensor | np.ndarray,
    train_labels: torch.Tensor | np.ndarray,
    test_features: torch.Tensor | np.ndarray,
    test_labels: torch.Tensor | np.ndarray,
    subsets: dict[str, np.ndarray],
    strengths: Sequence[float],
    validation_fraction: float,
    seed: int,
    num_classes: int,
    level_table: np.ndarray,
    level_names: Sequence[str],
    device: str | torch.device | None = None,
    memory: int | None = None,
) -> list[dict]:
    """One record per subset, in the order given.

    train_features (N, D), test_features (M, D): tensors, arrays or memmaps of float16, bfloat16, float32 or float64, read by blocks;
    train_labels (N,), test_labels (M,) int in [0, num_classes). subsets: name -> positions in the training labels, int (n,), n from 2.
    level_table: int (num_classes, levels), the id of every class at each of ``level_names``. device: where to compute, that of
    train_features without it. memory: bytes that the copy of the features, the solver and its curvature may take there; the
    features are read again at every evaluation where they do not fit (``memory_plan.default_budget`` without it).

    A record holds subset, label_size, n_test, strengths (ascending), strength (the chosen one), validation_accuracy (percent, one a
    strength, or None), n_validation, what `scores.report` says (log_loss is None, for infinite, where test images are of a class the
    subset has no label of), gradient_norm and iterations of the final fit, selection_gradient_norm and selection_iterations (one a
    strength, or None), solver (how the final fit was solved, see ``memory_plan.Plan``), notes (the special rules that applied) and,
    apart from the numbers, as no two runs agree on it: timing (stage -> seconds).
    """
    strengths = check_strengths(strengths, validation_fraction)
    device = torch.device(
        device or (train_features.device if isinstance(train_features, torch.Tensor) else "cpu")
    )
    train, y_train = labelled_features("train", train_features, train_labels, num_classes, device)
    test, y_test = labelled_features("test", test_features, test_labels, num_classes, device)
    if train.width != test.width:
        raise ValueError(f"train_features have width {train.width}, test_features {test.width}")
    subsets = {
        str(name): check_subset(name, positions, y_train) for name, positions in subsets.items()
    }  # all before any work
    check_levels(level_table, level_names, y_train, y_test)
    used = np.unique(np.concatenate([np.empty(0, np.int64), *subsets.values()]))
    train.among(used).require_finite("train_features")
    test.require_finite("test_features")

    protocol = Protocol(
        strengths, validation_fraction, seed, num_classes, memory or default_budget(device)
    )
    records = []
    fits = len(subsets) * (len(strengths) + 1)
    with progress_bar("linear", "fit", fits, inner=True) as bar:
        for name, positions in subsets.items():
            record, scores = _probe(
                train.among(positions), y_train[positions], test, y_test, protocol, bar
            )
            tested = report(scores, y_test, level_table, level_names)
            if not np.isin(y_test, y_train[positions]).all():
                tested["log_loss"] = None
            records.append({"subset": name, "label_size": len(positions), **tested, **record})
    return records


def _probe(
    rows: FeatureRows,
    labels: np.ndarray,
    test: FeatureRows,
    test_labels: np.ndarray,
    protocol: Protocol,
    bar,
) -> tuple:
    """One subset: what its record says beside the test scores, and those."""
    timing, notes, clock = {}, [], time.perf_counter()
    standardisation = rows.standardisation()
    absent = protocol.num_classes - len(np.unique(labels))
    if absent:
        notes.append(
            f"{absent} of {protocol.num_classes} classes have no label among these {len(labels)}; they are never predicted"
        )
    timing["standardise"], clock = _lap(clock)

    selection, strength, start = _select(rows, labels, standardisation, protocol, notes, bar)
    timing["select"], clock = _lap(clock)
    whole = Regression(
        rows, torch.from_numpy(labels), protocol.num_classes, standardisation, protocol.memory
    )
    ((_, final),) = whole.path([strength], FINAL_TOLERANCE, MAX_ITERATIONS, start)
    bar.update()
    if final.gradient_norm > FINAL_TOLERANCE:
        notes.append(
            f"the final fit stopped at a gradient norm of {final.gradient_norm:.2g}, above {FINAL_TOLERANCE:g}"
        )
    timing["refit"], clock = _lap(clock)

    solver = whole.plan.record()
    del whole  # its features make room for the test images
    scores = _scores(test, test_labels, standardisation, final)
    timing["test"], clock = _lap(clock)
    fitted = {
        "gradient_norm": final.gradient_norm,
        "iterations": final.iterations,
        "solver": solver,
    }
    chosen = {"strengths": protocol.strengths, "strength": strength, **selection}
    return {**chosen, **fitted, "notes": notes, "timing": timing}, scores


def _lap(since: float) -> tuple[float, float]:
    """Seconds since a reading of the clock, and a new reading."""
    now = time.perf_counter()
    return now - since, now


def _scores(
    rows: FeatureRows, labels: np.ndarray, standardisation: tuple, solution: Solution
) -> Scores:
    shift, scale = standardisation
    parts = []
    for first, x in rows.blocks(block_rows(rows.device, len(solution.bias), rows.width)):
        y = torch.from_numpy(labels[first : first + len(x)]).to(x.device)
        parts.append(score((x - shift).div_(scale), y, solution.weights, solution.bias))
    return joined(parts)


def _select(
    rows: FeatureRows,
    labels: np.ndarray,
    standardisation: tuple,
    protocol: Protocol,
    notes: list[str],
    bar,
) -> tuple[dict, float, Solution | None]:
    """Choose a strength for labelled rows (n,): the record's entries on it, the strength, and the fit to start the final one from.

    The best validation accuracy wins; then the lower validation log-loss; then the stronger regularisation. Where there is nothing to
    choose by, the middle strength is taken (the stronger of the middle two) and a note says so; also where the best is an end of the grid.
    """
    strengths = protocol.strengths
    validation, rest, reason = split(labels, protocol.validation_fraction, protocol.seed)
    validation, rest = np.sort(validation), np.sort(rest)
    if reason or len(strengths) == 1:
        strength = strengths[len(strengths) // 2]
        if len(strengths) > 1:
            notes.append(f"{reason}: the middle strength {strength:g} was taken")
        bar.update(len(strengths))
        nothing = {
            "n_validation": 0,
            "validation_accuracy": None,
            "selection_gradient_norm": None,
            "selection_iterations": None,
        }
        return nothing, strength, None
    regression = Regression(
        rows.among(rest),
        torch.from_numpy(labels[rest]),
        protocol.num_classes,
        standardisation,
        protocol.memory,
    )
    tried, best = {}, None
    for place, solution in regression.path(strengths, SELECTION_TOLERANCE, MAX_ITERATIONS):
        result = _scores(rows.among(validation), labels[validation], standardisation, solution)
        correct = int((result.predictions == labels[validation]).sum())
        rank = (correct, -result.log_loss, strengths[place])
        best = max(
            best or (rank, place, solution), (rank, place, solution), key=lambda entry: entry[0]
        )
        tried[place] = (
            100 * correct / len(validation),
            solution.gradient_norm,
            solution.iterations,
        )
        bar.update()
    accuracy, norms, iterations = (
        [tried[place][part] for place in range(len(strengths))] for part in range(3)
    )
    record = {
        "n_validation": len(validation),
        "validation_accuracy": accuracy,
        "selection_gradient_norm": norms,
        "selection_iterations": iterations,
    }
    if best[1] in (0, len(strengths) - 1):
        end = "weakest" if best[1] == 0 else "strongest"
        notes.append(
            f"strength {strengths[best[1]]:g} is the {end} of 'strengths': a better one may lie beyond"
        )
    return record, strengths[best[1]], best[2]

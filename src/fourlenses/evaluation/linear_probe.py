"""Linear evaluation of frozen features at several label sizes (Cole et al., CVPR 2022, sections 3 and 4).

For each subset of the training labels: standardise by the mean and deviation of all its features (no label has a say in them), choose
the L2 strength on a held-out part of the subset, fit again on the whole subset with it, and look at the test images once.
"""

import time
from collections.abc import Sequence

import numpy as np
import torch

from fourlenses.evaluation.logistic import Fit, fit
from fourlenses.evaluation.probe_inputs import check_levels, check_strengths, check_subset, labelled_features
from fourlenses.evaluation.scores import report, score
from fourlenses.randomness import named_seed, permutation

# Choosing among strengths needs their order; what is reported deserves the optimum itself. At 1e-4 the accuracy of a weakly penalised
# separable problem is still some tenths of a point off.
SELECTION_TOLERANCE = 1e-4
FINAL_TOLERANCE = 1e-5


def linear_probe(
    train_features: torch.Tensor,
    train_labels: torch.Tensor,
    test_features: torch.Tensor,
    test_labels: torch.Tensor,
    subsets: dict[int, np.ndarray],
    strengths: Sequence[float],
    validation_fraction: float,
    seed: int,
    num_classes: int,
    level_table: np.ndarray,
    level_names: Sequence[str],
) -> list[dict]:
    """One record per label size, in ascending order.

    train_features (N, D), train_labels (N,), test_features (M, D), test_labels (M,): arrays or tensors; all work is done on the device of
    each features tensor (labels in [0, num_classes)). subsets: label size -> that many positions in the training labels.
    level_table: int (num_classes, levels), the id of every class at each of ``level_names``.

    A record holds label_size, n_test, strengths (ascending), strength (the chosen one), validation_accuracy (percent, one a strength, or
    None), n_validation, top1 with top1_low and top1_high (Wilson, 95 %), top5 (all in percent; over min(5, num_classes)), levels (name ->
    top1, low, high), predictions (M,) uint16 (uint32 above 65536 classes), gradient_norm and iterations of the final fit,
    selection_gradient_norm and selection_iterations (one a strength, or None), notes (the special rules that applied) and, apart from
    the numbers, as no two runs agree on it: timing (stage -> seconds).
    """
    strengths = check_strengths(strengths, validation_fraction)
    x_train, y_train = labelled_features("train", train_features, train_labels, num_classes)
    x_test, y_test = labelled_features("test", test_features, test_labels, num_classes)
    if x_train.shape[1] != x_test.shape[1]:
        raise ValueError(f"train_features have width {x_train.shape[1]}, test_features {x_test.shape[1]}")
    y_train_host, y_test_host = y_train.cpu().numpy(), y_test.cpu().numpy()
    subsets = {name: check_subset(len(where), where, y_train_host) for name, where in subsets.items()}  # all sizes before any work
    check_levels(level_table, level_names, y_train_host, y_test_host)

    records = []
    for name, positions in subsets.items():
        size = len(positions)
        timing, notes, clock = {}, [], time.perf_counter()
        chosen = torch.as_tensor(positions, device=x_train.device)
        x, y = x_train[chosen], y_train[chosen]  # (n, D), (n,)
        shift, scale = _standardisation(x)
        x = (x - shift) / scale
        absent = num_classes - len(torch.unique(y))
        if absent:
            notes.append(f"{absent} of {num_classes} classes have no label among these {size}; they are never predicted")
        timing["standardise"], clock = _lap(clock)

        selection, strength, start = _select(x, y, strengths, validation_fraction, seed, num_classes, notes)
        timing["select"], clock = _lap(clock)
        final = fit(x, y, num_classes, [strength], FINAL_TOLERANCE, initial=start)
        if final.gradient_norm[0] > FINAL_TOLERANCE:
            notes.append(f"the final fit stopped at a gradient norm of {float(final.gradient_norm[0]):.2g}, above {FINAL_TOLERANCE:g}")
        timing["refit"], clock = _lap(clock)

        x = (x_test - shift.to(x_test.device)) / scale.to(x_test.device)
        scores = score(x, y_test, final.weights[0].to(x.device), final.bias[0].to(x.device))
        tested = report(scores, y_test_host, level_table, level_names)
        timing["test"], clock = _lap(clock)
        records.append(
            {
                "subset": name,
                "label_size": size,
                **tested,
                "strengths": strengths,
                "strength": strength,
                **selection,
                "gradient_norm": float(final.gradient_norm[0]),
                "iterations": int(final.iterations[0]),
                "notes": notes,
                "timing": timing,
            }
        )
    return records


def _lap(since: float) -> tuple[float, float]:
    """Seconds since a reading of the clock, and a new reading."""
    now = time.perf_counter()
    return now - since, now


def _standardisation(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and population deviation, float32 (D,), of features (n, D); the deviation of a constant feature counts as 1."""
    wide = features.double()
    deviation = wide.std(0, correction=0)
    # By its range: the deviation of a constant that is not a short binary fraction comes out as rounding, not as zero.
    constant = (features.amax(0) == features.amin(0)) | (deviation.float() == 0)
    return wide.mean(0).float(), torch.where(constant, torch.ones_like(deviation), deviation).float()


def _select(
    x: torch.Tensor, y: torch.Tensor, strengths: list[float], fraction: float, seed: int, num_classes: int, notes: list[str]
) -> tuple[dict, float, tuple[torch.Tensor, torch.Tensor] | None]:
    """Choose a strength for x (n, D), y (n,): the record's entries on it, the strength, and the fit to start the final one from.

    The best validation accuracy wins; then the lower validation log-loss; then the stronger regularisation. Where there is nothing to
    choose by, the middle strength is taken (the stronger of the middle two) and a note says so.
    """
    held = min(round(fraction * len(y)), len(y) - 1)
    order = torch.as_tensor(permutation(len(y), named_seed(seed, "validation")), device=y.device)
    validation, rest = order[:held], order[held:]
    reason = None
    if held == 0:
        reason = f"no label left for validation ({fraction:g} of {len(y)})"
    elif len(torch.unique(y[rest])) < 2:
        reason = f"the {len(rest)} labels left beside validation are of one class"
    record = {"n_validation": 0, "validation_accuracy": None, "selection_gradient_norm": None, "selection_iterations": None}
    if reason:
        strength = strengths[len(strengths) // 2]
        notes.append(f"{reason}: the middle strength {strength:g} was taken")
        return record, strength, None
    fits: Fit = fit(x[rest], y[rest], num_classes, strengths, SELECTION_TOLERANCE)
    results = [score(x[validation], y[validation], w, b) for w, b in zip(fits.weights, fits.bias, strict=True)]
    truth = y[validation].cpu().numpy()
    correct = [int((result.predictions == truth).sum()) for result in results]
    best = max(range(len(strengths)), key=lambda i: (correct[i], -results[i].log_loss, strengths[i]))
    record = {
        "n_validation": held,
        "validation_accuracy": [100 * count / held for count in correct],
        "selection_gradient_norm": fits.gradient_norm.tolist(),
        "selection_iterations": fits.iterations.tolist(),
    }
    return record, strengths[best], (fits.weights[best : best + 1], fits.bias[best : best + 1])

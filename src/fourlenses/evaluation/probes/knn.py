"""Evaluation of frozen features by weighted nearest neighbours: nothing is trained and nothing chosen.

The classifier of Wu et al., CVPR 2018, section 3.4 (200 neighbours, temperature 0.07). DINO's eval_knn.py (Caron et al., ICCV 2021) has
the same temperature and says of 10, 20, 100 and 200 neighbours that "20 is usually working the best".

All subsets of the training images are served by one pass over the similarities, which are made block by block: memory does not grow with
the number of training or test images, and features may lie on disk.
"""

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from fourlenses.core.errors import UserError
from fourlenses.core.progress import progress_bar
from fourlenses.evaluation.features.extract import QUIET_BATCHES
from fourlenses.evaluation.probes.probe_inputs import check_levels, check_subset
from fourlenses.evaluation.scores import Scores, report
from fourlenses.metrics.neighbours import (
    TEMPERATURE,
    directions,
    nearest,
    scaled_count,
    vote_shares,
)

Features = np.ndarray | Tensor
BLOCK_ROWS = {
    "cpu": (2048, 8192),
    "cuda": (8192, 8192),
}  # test and training images whose similarities are in memory at a time
SHARES_ELEMENTS = 2**22


def knn(
    train_features: Features,
    train_labels: np.ndarray,
    test_features: Features,
    test_labels: np.ndarray,
    subsets: Mapping[str, np.ndarray],
    neighbours: Sequence[int],
    num_classes: int,
    level_table: np.ndarray,
    level_names: Sequence[str],
    temperature: float = TEMPERATURE,
    device: str | torch.device = "cpu",
    scaled: bool = False,
) -> list[dict]:
    """One record per subset and number of neighbours, in the order given.

    scaled: whether ``neighbours`` are the most that vote, and fewer do where there are few labels (`neighbours.scaled_count`).

    train_features (N, D), test_features (M, D): arrays, memory-mapped ones too, or tensors, of any floating type; compared as float32 on
    ``device``. train_labels (N,), test_labels (M,): int in [0, num_classes). subsets: name -> positions of the labelled images among the
    N; only these are read. level_table: int (num_classes, levels), the id of every class at each of ``level_names``.

    Equal similarities go to the lower training position, equal votes to the lower class. A class for which no neighbour votes is not
    among the five of top5. Numbers are a function of the arguments and the kind of device: blocks are of fixed size.

    A record holds subset, label_size, k, temperature, what `scores.report` says (log_loss is None, as classes without a vote have
    probability 0; the confidence is the share of the votes), notes, and timing (seconds): neighbours, of the pass that all records
    share, and vote.

    Raises:
        UserError: features, labels, subsets or neighbours that do not fit; features that are not finite.
    """
    train_labels, test_labels = (
        _labels(name, labels, features, num_classes)
        for name, labels, features in (
            ("train", train_labels, train_features),
            ("test", test_labels, test_features),
        )
    )
    if train_features.shape[1] != test_features.shape[1]:
        raise UserError(
            f"train_features have width {train_features.shape[1]}, test_features {test_features.shape[1]}"
        )
    if len(neighbours) == 0 or len(set(neighbours)) != len(neighbours) or min(neighbours) < 1:
        raise UserError(
            f"neighbours must be different whole numbers above 0, not {list(neighbours)}"
        )
    if not 0 < temperature < float("inf"):
        raise UserError(f"the temperature must be positive and finite, not {temperature}")
    subsets = {
        name: check_subset(name, positions, train_labels) for name, positions in subsets.items()
    }
    check_levels(level_table, level_names, train_labels, test_labels)
    if not subsets:
        return []

    clock = time.perf_counter()
    counts = {
        name: [scaled_count(k, len(rows)) if scaled else k for k in neighbours]
        for name, rows in subsets.items()
    }
    votes = {(name, k): _Votes(temperature, num_classes) for name in subsets for k in counts[name]}
    most = max(k for _, k in votes)
    for rows, found in _nearest_of_each(
        train_features, train_labels, test_features, subsets, most, torch.device(device)
    ):
        for (name, k), vote in votes.items():
            vote.add(*(each[:, :k] for each in found[name]), torch.from_numpy(test_labels[rows]))
    searching = time.perf_counter() - clock - sum(vote.seconds for vote in votes.values())
    return [
        {
            "subset": name,
            "label_size": len(subsets[name]),
            "k": k,
            "temperature": temperature,
            **report(vote.scores(), test_labels, level_table, level_names),
            "notes": _notes(train_labels[subsets[name]], k, num_classes),
            "timing": {"neighbours": searching, "vote": vote.seconds},
        }
        for (name, k), vote in votes.items()
    ]


def _labels(name: str, labels: np.ndarray, features: Features, num_classes: int) -> np.ndarray:
    """Labels (N,) as int64, once checked."""
    if features.ndim != 2 or len(features) == 0:
        raise UserError(f"{name}_features must be (N, D) with N > 0, not {tuple(features.shape)}")
    labels = np.asarray(labels)
    if labels.shape != features.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{name}_labels must be integers ({len(features)},), not {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise UserError(
            f"{name}_labels must lie in [0, {num_classes}), found {labels.min()} to {labels.max()}"
        )
    return labels.astype(np.int64)


def _notes(labels: np.ndarray, k: int, num_classes: int) -> list[str]:
    notes = []
    if k > len(labels):
        notes.append(
            f"{k} neighbours were asked for, but there are {len(labels)} labelled images: all of them vote"
        )
    absent = num_classes - len(np.unique(labels))
    if absent:
        notes.append(
            f"{absent} of {num_classes} classes have no label among these {len(labels)}; they are never predicted"
        )
    if min(k, len(labels)) < min(5, num_classes):
        notes.append(
            f"top5 is over the at most {min(k, len(labels))} classes that neighbours vote for"
        )
    return notes


def _nearest_of_each(
    train: Features,
    labels: np.ndarray,
    test: Features,
    subsets: Mapping[str, np.ndarray],
    count: int,
    device: torch.device,
) -> Iterator[tuple[slice, dict[str, tuple[Tensor, Tensor]]]]:
    """Per block of test images: its rows and, per subset, similarities and labels (n, min(count, size)) of the nearest, on the CPU."""
    used = np.unique(np.concatenate(list(subsets.values())))
    test_rows, train_rows = BLOCK_ROWS.get(device.type, BLOCK_ROWS["cpu"])
    total = -(-len(test) // test_rows) * -(-len(used) // train_rows)
    shown = total >= QUIET_BATCHES
    with progress_bar("neighbours", "block", total, inner=True, shown=shown) as bar:
        for first in range(0, len(test), test_rows):
            rows = slice(first, min(first + test_rows, len(test)))
            x = _block("test", test, np.arange(rows.start, rows.stop), device)  # (n, D)
            found: dict[str, tuple[Tensor, Tensor]] = {}
            for start in range(0, len(used), train_rows):
                block = used[start : start + train_rows]
                similarities = _block("train", train, block, device) @ x.T  # (b, n)
                for name, positions in subsets.items():
                    low, high = np.searchsorted(positions, (block[0], block[-1] + 1))
                    if low < high:
                        members = torch.as_tensor(
                            np.searchsorted(block, positions[low:high]), device=device
                        )
                        here = similarities if len(members) == len(block) else similarities[members]
                        y = torch.as_tensor(labels[positions[low:high]], device=device)
                        found[name] = _merged(found.get(name), here, y, count)
                bar.update()
            yield (
                rows,
                {name: (similarities.cpu(), y.cpu()) for name, (similarities, y) in found.items()},
            )


def _block(name: str, features: Features, rows: np.ndarray, device: torch.device) -> Tensor:
    """Directions (n, D) float32 on ``device`` of some rows, in ascending order."""
    chosen = slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] + 1 == len(rows) else rows
    block = (
        features[chosen]
        if isinstance(features, Tensor)
        else torch.from_numpy(np.array(features[chosen]))
    )
    block = block.to(device).float()
    bad = int((~torch.isfinite(block)).any(1).sum())
    if bad:
        raise UserError(
            f"{name}_features: {bad} of rows {rows[0]} to {rows[-1]} hold NaN or infinite values"
        )
    return directions(block)


def _merged(
    before: tuple[Tensor, Tensor] | None, similarities: Tensor, labels: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """The nearest (n, count) among those ``before`` and a block of later training positions: similarities (b, n), labels (b,).

    After the first blocks hardly anything is nearer than what is known, so only that is sorted: to look for the nearest of each block
    takes several times as long as the similarities themselves.
    """
    if before is None or before[0].shape[1] < count:
        values, columns = nearest(similarities.T, count)
        return (
            (values, labels[columns])
            if before is None
            else _joined(before, (values, labels[columns]), count)
        )
    # what is equal comes later, and so loses; turned round, they come test image by test image, and need no sorting
    test, row = (similarities > before[0][:, -1]).T.contiguous().nonzero(as_tuple=True)
    counts = torch.bincount(test, minlength=similarities.shape[1])  # (n,)
    many = counts > count
    if many.any():
        values, columns = nearest(similarities[:, many].T, count)
        _join_some(before, many, values, labels[columns], count)
        few = ~many[test]
        row, test = row[few], test[few]
        counts = counts.masked_fill(many, 0)
    if len(test):
        values, rows = _listed(similarities, row, test, counts)
        _join_some(before, counts > 0, values, labels[rows], count)
    return before


def _listed(
    similarities: Tensor, row: Tensor, test: Tensor, counts: Tensor
) -> tuple[Tensor, Tensor]:
    """The similarities (b, n) at ``row`` and ``test``, ascending by test, then row, as a line per test image that has any, and their rows:
    -inf fills up.

    counts (n,): how many each test image has.
    """
    line = ((counts > 0).cumsum(0) - 1)[test]
    place = torch.arange(len(test), device=test.device) - (counts.cumsum(0) - counts)[test]
    shape = (int((counts > 0).sum()), int(counts.max()))
    values, rows = similarities.new_full(shape, -torch.inf), row.new_zeros(shape)
    values[line, place], rows[line, place] = similarities[row, test], row
    return values, rows


def _join_some(
    before: tuple[Tensor, Tensor], tests: Tensor, values: Tensor, labels: Tensor, count: int
) -> None:
    """`_joined` in place for some of the test images, bool (n,)."""
    before[0][tests], before[1][tests] = _joined(
        (before[0][tests], before[1][tests]), (values, labels), count
    )


def _joined(
    before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor], count: int
) -> tuple[Tensor, Tensor]:
    """The nearest (n, count) of both; those before win where they are equal."""
    values, columns = nearest(torch.cat([before[0], after[0]], 1), count)
    return values, torch.cat([before[1], after[1]], 1).gather(1, columns)


class _Votes:
    """The votes of one subset's nearest, block by block; on the CPU, where the order of their summation is fixed."""

    def __init__(self, temperature: float, num_classes: int):
        self.temperature, self.num_classes = temperature, num_classes
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.seconds = 0.0

    def add(self, similarities: Tensor, labels: Tensor, truth: Tensor) -> None:
        """similarities, labels (n, k); truth (n,)."""
        clock = time.perf_counter()
        number = torch.arange(self.num_classes)
        rows = max(1, SHARES_ELEMENTS // self.num_classes)
        for s, y, true_class in zip(
            similarities.split(rows), labels.split(rows), truth.split(rows), strict=True
        ):
            shares = vote_shares(s, y, self.num_classes, self.temperature)  # (n, C)
            confidence, predicted = shares.max(1)  # the first of equal maxima
            true = shares.gather(1, true_class[:, None])
            before = (shares > true) | ((shares == true) & (number < true_class[:, None]))
            in_top5 = (before.sum(1) < min(5, self.num_classes)) & (true[:, 0] > 0)
            self.parts.append(
                (predicted.numpy(), in_top5.numpy(), confidence.numpy().astype(np.float16))
            )
        self.seconds += time.perf_counter() - clock

    def scores(self) -> Scores:
        predictions, in_top5, confidences = (
            np.concatenate(arrays) for arrays in zip(*self.parts, strict=True)
        )
        return Scores(predictions, in_top5, None, confidences)

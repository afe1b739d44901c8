"""The protocol `knn`: weighted nearest neighbours on frozen features; nothing is trained or chosen.

The classifier of Wu et al., CVPR 2018, section 3.4 (200 neighbours, temperature 0.07),
https://arxiv.org/abs/1805.01978. DINO's eval_knn.py (Caron et al., ICCV 2021,
https://arxiv.org/abs/2104.14294) has the same temperature and says of 10, 20, 100 and 200
neighbours that "20 is usually working the best".

All subsets of the training images are served by one pass over the similarities, which are made
block by block: memory does not grow with the number of training or test images, and features may
lie on disk. By hand for that reason: lightly's `knn_predict` holds all similarities of a batch,
faiss is not among the dependencies, and neither resolves ties reproducibly; it takes about the
time of lightly's (benchmarks/neighbours.py: 1.01 to 0.77 times its speed).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from fourlenses.core.errors import UserError
from fourlenses.core.progress import progress_bar
from fourlenses.evaluation.features.extract import QUIET_BATCHES
from fourlenses.evaluation.probes.contract import Features, LabelledFeatures, ProbeContext
from fourlenses.evaluation.probes.probe_inputs import (
    CheckedInputs,
    absent_classes,
    check_inputs,
)
from fourlenses.evaluation.record import EvaluationResult
from fourlenses.evaluation.scores import Scores, report
from fourlenses.metrics.label_levels import LabelLevels
from fourlenses.metrics.neighbours import (
    TEMPERATURE,
    l2_normalize,
    nearest,
    scaled_k,
    vote_shares,
)

# test and training images whose similarities are in memory at a time
BLOCK_ROWS = {"cpu": (2048, 8192), "cuda": (8192, 8192)}
SHARES_ELEMENTS = 2**22
Neighbours = tuple[Tensor, Tensor]  # similarities and labels, (n, k) each, the nearest first


@dataclass(frozen=True)
class KnnSettings:
    """The section `evaluation.knn` of a config.

    Attributes:
        k: neighbours that vote at most; of n labels sqrt(n) do (`metrics.neighbours.scaled_k`).
        temperature: neighbours vote with weight exp(cosine / temperature).
    """

    k: int
    temperature: float


def evaluate_knn(context: ProbeContext) -> list[EvaluationResult]:
    """Evaluate nearest neighbours; the details of a result are those of `knn`."""
    settings = context.settings.section("knn", KnnSettings)
    return knn(
        context.train,
        context.test,
        context.subsets,
        levels=context.levels,
        knn_k=[settings.k],
        temperature=settings.temperature,
        device=context.device,
        scaled=True,
    )


def knn(
    train: LabelledFeatures,
    test: LabelledFeatures,
    subsets: Mapping[str, np.ndarray],
    *,
    levels: LabelLevels,
    knn_k: Sequence[int],
    temperature: float = TEMPERATURE,
    device: str | torch.device = "cpu",
    scaled: bool = False,
) -> list[EvaluationResult]:
    """Classify the test images by the labels of each subset.

    Equal similarities go to the lower training position, equal votes to the lower class. A class
    for which no neighbour votes is not among the five of top5. Numbers are a function of the
    arguments and the kind of device: blocks are of fixed size.

    Args:
        train: training features (N, D), of which only the rows of a subset are read.
        test: test features (M, D).
        subsets: name -> positions in the training labels, int (n,), n from 2.
        levels: label levels of the target.
        knn_k: numbers of neighbours, different and above 0.
        temperature: of the votes, above 0.
        device: where to compute the similarities.
        scaled: fewer than k vote where there are few labels (`metrics.neighbours.scaled_k`).

    Returns:
        One result per subset and number of neighbours, in the order given; details: k and
        temperature. The log_loss is None, as classes without a vote have probability 0; the
        confidence is the share of the votes.

    Raises:
        UserError: inputs that do not fit together or are not finite.
    """
    if len(knn_k) == 0 or len(set(knn_k)) != len(knn_k) or min(knn_k) < 1:
        raise UserError(f"'knn_k' must be different whole numbers above 0, not {list(knn_k)}")
    if not 0 < temperature < float("inf"):
        raise UserError(f"the temperature must be positive and finite, not {temperature}")
    inputs = check_inputs(train, test, subsets, levels=levels)
    votes = {
        (name, scaled_k(k, len(positions)) if scaled else k): _Votes(temperature, levels)
        for name, positions in inputs.positions.items()
        for k in knn_k
    }
    if not votes:
        return []
    clock = time.perf_counter()
    count = max(k for _, k in votes)
    search = _Search(train.features, test.features, inputs, count=count, device=device)
    for rows, neighbours in search.blocks():
        truth = torch.from_numpy(inputs.test_labels[rows])
        for (name, k), vote in votes.items():
            similarities, labels = neighbours[name]
            vote.add(similarities[:, :k], labels[:, :k], truth)
    searching = time.perf_counter() - clock - sum(vote.seconds for vote in votes.values())
    return [
        vote.result(name, k, inputs=inputs, searching=searching)
        for (name, k), vote in votes.items()
    ]


class _Search:
    """The nearest labelled images of every test image, for all subsets in one pass."""

    def __init__(
        self,
        train: Features,
        test: Features,
        inputs: CheckedInputs,
        *,
        count: int,
        device: str | torch.device,
    ) -> None:
        """count: neighbours of a test image."""
        self.train, self.labels, self.test = train, inputs.train_labels, test
        self.subsets, self.count, self.device = inputs.positions, count, torch.device(device)
        self.used = np.unique(np.concatenate(list(self.subsets.values())))
        self.test_rows, self.train_rows = BLOCK_ROWS.get(self.device.type, BLOCK_ROWS["cpu"])

    def blocks(self) -> Iterator[tuple[slice, dict[str, Neighbours]]]:
        """Per block of test images: its rows and, per subset, its `Neighbours` on the CPU."""
        total = -(-len(self.test) // self.test_rows) * -(-len(self.used) // self.train_rows)
        shown = total >= QUIET_BATCHES
        with progress_bar("neighbours", "block", total, inner=True, shown=shown) as bar:
            for first in range(0, len(self.test), self.test_rows):
                rows = slice(first, min(first + self.test_rows, len(self.test)))
                on_device = self._of_block(rows, bar)
                yield (
                    rows,
                    {name: (values.cpu(), y.cpu()) for name, (values, y) in on_device.items()},
                )

    def _of_block(self, rows: slice, bar: tqdm) -> dict[str, Neighbours]:
        x = self._block("test", self.test, np.arange(rows.start, rows.stop))  # (n, D)
        neighbours: dict[str, Neighbours] = {}
        for start in range(0, len(self.used), self.train_rows):
            block = self.used[start : start + self.train_rows]
            similarities = self._block("train", self.train, block) @ x.T  # (b, n)
            for name, positions in self.subsets.items():
                low, high = np.searchsorted(positions, (block[0], block[-1] + 1))
                if low == high:
                    continue
                in_block = np.searchsorted(block, positions[low:high])
                members = torch.as_tensor(in_block, device=self.device)
                chosen = similarities if len(members) == len(block) else similarities[members]
                y = torch.as_tensor(self.labels[positions[low:high]], device=self.device)
                neighbours[name] = _merged(neighbours.get(name), chosen, y, count=self.count)
            bar.update()
        return neighbours

    def _block(self, name: str, features: Features, rows: np.ndarray) -> Tensor:
        """Rows (n,), ascending, as float32 (n, D) of length 1 on the device."""
        consecutive = rows[-1] - rows[0] + 1 == len(rows)
        chosen = slice(rows[0], rows[-1] + 1) if consecutive else rows
        if isinstance(features, Tensor):
            block = features[chosen]
        else:
            block = torch.from_numpy(np.array(features[chosen]))
        block = block.to(self.device).float()
        bad = int((~torch.isfinite(block)).any(1).sum())
        if bad:
            raise UserError(
                f"{name}_features: {bad} of rows {rows[0]} to {rows[-1]} hold NaN or infinite "
                "values"
            )
        return l2_normalize(block)


def _merged(
    before: Neighbours | None, similarities: Tensor, labels: Tensor, *, count: int
) -> Neighbours:
    """The nearest ``count`` among those ``before`` and a block of later training positions.

    After the first blocks hardly anything is nearer than what is known, so only that is sorted:
    finding the nearest of each block takes several times as long as the similarities themselves.

    Args:
        before: of the n test images; None for the first block.
        similarities: (b, n).
        labels: (b,).
        count: neighbours of a test image.
    """
    if before is None:
        values, columns = nearest(similarities.T, count)
        return values, labels[columns]
    if before[0].shape[1] < count:
        values, columns = nearest(similarities.T, count)
        return _joined(before, (values, labels[columns]), count)
    # What is equal comes later, and so loses. Transposed, they come test image by test image, and
    # need no sorting.
    test, row = (similarities > before[0][:, -1]).T.contiguous().nonzero(as_tuple=True)
    counts = torch.bincount(test, minlength=similarities.shape[1])  # (n,)
    many = counts > count
    if many.any():
        values, columns = nearest(similarities[:, many].T, count)
        _join_some(before, many, (values, labels[columns]), count=count)
        few = ~many[test]
        row, test = row[few], test[few]
        counts = counts.masked_fill(many, 0)
    if len(test):
        values, rows = _padded(similarities, row, test, counts=counts)
        _join_some(before, counts > 0, (values, labels[rows]), count=count)
    return before


def _padded(
    similarities: Tensor, row: Tensor, test: Tensor, *, counts: Tensor
) -> tuple[Tensor, Tensor]:
    """Similarities and their rows as one line per test image that has any, padded with -inf.

    Args:
        similarities: (b, n).
        row: of the entries to list, (m,), ascending by test image, then by row.
        test: their columns, (m,).
        counts: how many entries each test image has, (n,).
    """
    line = ((counts > 0).cumsum(0) - 1)[test]
    column = torch.arange(len(test), device=test.device) - (counts.cumsum(0) - counts)[test]
    shape = (int((counts > 0).sum()), int(counts.max()))
    values, rows = similarities.new_full(shape, -torch.inf), row.new_zeros(shape)
    values[line, column], rows[line, column] = similarities[row, test], row
    return values, rows


def _join_some(before: Neighbours, tests: Tensor, after: Neighbours, *, count: int) -> None:
    """`_joined` in place for some of the test images, bool (n,)."""
    some = (before[0][tests], before[1][tests])
    before[0][tests], before[1][tests] = _joined(some, after, count)


def _joined(before: Neighbours, after: Neighbours, count: int) -> Neighbours:
    """The nearest (n, count) of both; those before win where they are equal."""
    values, columns = nearest(torch.cat([before[0], after[0]], 1), count)
    return values, torch.cat([before[1], after[1]], 1).gather(1, columns)


class _Votes:
    """The votes of one subset's neighbours, block by block.

    On the CPU, where the order of their summation is fixed.
    """

    def __init__(self, temperature: float, levels: LabelLevels) -> None:
        self.temperature, self.levels, self.num_classes = temperature, levels, levels.num_classes
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
            shares = vote_shares(s, y, self.num_classes, temperature=self.temperature)  # (n, C)
            confidence, predicted = shares.max(1)  # the first of equal maxima
            true = shares.gather(1, true_class[:, None])
            before = (shares > true) | ((shares == true) & (number < true_class[:, None]))
            in_top5 = (before.sum(1) < min(5, self.num_classes)) & (true[:, 0] > 0)
            half = confidence.numpy().astype(np.float16)
            self.parts.append((predicted.numpy(), in_top5.numpy(), half))
        self.seconds += time.perf_counter() - clock

    def result(
        self, subset: str, k: int, *, inputs: CheckedInputs, searching: float
    ) -> EvaluationResult:
        """Return the result of all blocks; searching: seconds, which all results share."""
        predictions, in_top5, confidences = (
            np.concatenate(arrays) for arrays in zip(*self.parts, strict=True)
        )
        scores = Scores(
            predictions=predictions, in_top5=in_top5, log_loss=None, confidences=confidences
        )
        labels = inputs.train_labels[inputs.positions[subset]]
        return EvaluationResult(
            subset=subset,
            label_size=len(labels),
            report=report(scores, inputs.test_labels, self.levels),
            details={"k": k, "temperature": self.temperature},
            notes=_notes(labels, k, self.num_classes),
            timing={"neighbours": searching, "vote": self.seconds},
        )


def _notes(labels: np.ndarray, k: int, num_classes: int) -> list[str]:
    notes = []
    if k > len(labels):
        notes.append(
            f"{k} neighbours were asked for, but there are {len(labels)} labelled images: all of "
            "them vote"
        )
    notes += absent_classes(labels, num_classes)
    voting = min(k, len(labels))
    if voting < min(5, num_classes):
        notes.append(f"top5 is over the at most {voting} classes that neighbours vote for")
    return notes

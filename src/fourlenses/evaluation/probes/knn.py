"""The protocol `knn`: weighted nearest neighbours on frozen features; nothing is trained or chosen.

The classifier of Wu et al., CVPR 2018, section 3.4 (200 neighbours, temperature 0.07),
https://arxiv.org/abs/1805.01978. DINO's eval_knn.py (Caron et al., ICCV 2021,
https://arxiv.org/abs/2104.14294) has the same temperature and says of 10, 20, 100 and 200
neighbours that "20 is usually working the best".

All subsets of the training images are served by one pass over the similarities, which are made
block by block: memory does not grow with the number of training or test images, and features may
lie on disk. By hand for that reason: lightly's `knn_predict` holds all similarities of a batch, and
takes longer; faiss's exact index holds all features and takes two thirds of the time
(docs/measured/benchmarks/evaluation.md). Neither resolves ties reproducibly.
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
    nearest,
    normalise_,
    scaled_k,
    vote_shares,
)

# Test and training images that are in memory at a time. There are fewer of the latter where
# features are wide, as BLOCK_ELEMENTS says; but not fewer than these.
BLOCK_ROWS = {"cpu": (2048, 32768), "cuda": (8192, 8192)}
BLOCK_ELEMENTS, LEAST_ROWS = 2**24, 8192
# Test images whose similarities are made at a time: on a CPU these stay near the processor until
# the nearest are found.
PART_ROWS = {"cpu": 256, "cuda": 8192}
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
        kind = self.device.type
        self.test_rows, most = BLOCK_ROWS.get(kind, BLOCK_ROWS["cpu"])
        self.train_rows = min(most, max(LEAST_ROWS, BLOCK_ELEMENTS // train.shape[1]))
        self.part_rows = PART_ROWS.get(kind, PART_ROWS["cpu"])
        # always the same memory: that of new tensors takes a tenth of the time
        room = min(self.part_rows, len(test)) * min(self.train_rows, len(self.used))
        self.room = torch.empty(room, device=self.device)

    def blocks(self) -> Iterator[tuple[slice, dict[str, Neighbours]]]:
        """Per part of the test images: its rows and, per subset, its `Neighbours` on the CPU."""
        total = -(-len(self.test) // self.test_rows) * -(-len(self.used) // self.train_rows)
        shown = total >= QUIET_BATCHES
        with progress_bar("neighbours", "block", total, inner=True, shown=shown) as bar:
            for first in range(0, len(self.test), self.test_rows):
                stop = min(first + self.test_rows, len(self.test))
                for part in self._of_block(np.arange(first, stop), bar):
                    rows = slice(first, first + part.count)
                    first = rows.stop
                    yield (
                        rows,
                        {name: (s.cpu(), y.cpu()) for name, (s, y) in part.neighbours.items()},
                    )

    def _of_block(self, rows: np.ndarray, bar: tqdm) -> list["_Part"]:
        test = self._block("test", self.test, rows)  # (n, D)
        parts = [_Part(x, self.count) for x in test.split(self.part_rows)]
        for start in range(0, len(self.used), self.train_rows):
            block = self.used[start : start + self.train_rows]
            members = {}
            for name, positions in self.subsets.items():
                low, high = np.searchsorted(positions, (block[0], block[-1] + 1))
                if low < high:
                    chosen = positions[low:high]
                    columns = np.searchsorted(block, chosen) if len(chosen) < len(block) else None
                    members[name] = (
                        None if columns is None else torch.as_tensor(columns, device=self.device),
                        torch.as_tensor(self.labels[chosen], device=self.device),
                    )
            x = self._block("train", self.train, block)  # (b, D)
            for part in parts:
                room = self.room[: part.count * len(x)].view(part.count, len(x))
                part.add(torch.mm(part.x, x.T, out=room), members)
            bar.update()
        return parts

    def _block(self, name: str, features: Features, rows: np.ndarray) -> Tensor:
        """Rows (n,), ascending, as float32 (n, D) of length 1 on the device."""
        consecutive = rows[-1] - rows[0] + 1 == len(rows)
        chosen = slice(rows[0], rows[-1] + 1) if consecutive else rows
        if isinstance(features, Tensor):
            block = features[chosen].to(self.device, torch.float32, copy=True)
        else:
            block = torch.from_numpy(np.array(features[chosen])).to(self.device).float()
        # a length that is not finite is one of values that are not, or of values above 1e19
        if not torch.isfinite(normalise_(block)).all():
            values = torch.from_numpy(np.array(features[chosen], np.float32))
            bad = int((~torch.isfinite(values)).any(1).sum())
            if bad:
                raise UserError(
                    f"{name}_features: {bad} of rows {rows[0]} to {rows[-1]} hold NaN or infinite "
                    "values"
                )
        return block


class _Part:
    """Some of the test images, and what is known of their neighbours in each subset."""

    def __init__(self, x: Tensor, most: int) -> None:
        """x: features (n, D) of length 1; most: neighbours of a test image."""
        self.x, self.count, self.most = x, len(x), most
        self.neighbours: dict[str, Neighbours] = {}

    def add(
        self, similarities: Tensor, members: Mapping[str, tuple[Tensor | None, Tensor]]
    ) -> None:
        """Look at a block of later training images.

        Args:
            similarities: to them, (n, b).
            members: of each subset, which columns are in it (m,), None for all, and their labels
                (m,).
        """
        for name, (columns, labels) in members.items():
            among = similarities if columns is None else similarities.index_select(1, columns)
            known = self.neighbours.get(name)
            self.neighbours[name] = _merged(known, among, labels, count=self.most)


def _merged(
    before: Neighbours | None, similarities: Tensor, labels: Tensor, *, count: int
) -> Neighbours:
    """The nearest ``count`` among those ``before`` and a block of later training positions.

    After the first blocks hardly anything is nearer than what is known, so only that is sorted.

    Args:
        before: of the n test images; None for the first block.
        similarities: (n, b).
        labels: (b,).
        count: neighbours of a test image.
    """
    if before is None:
        values, columns = nearest(similarities, count)
        return values, labels[columns]
    if before[0].shape[1] < count:
        values, columns = nearest(similarities, count)
        return _joined(before, (values, labels[columns]), count)
    # what is equal comes later, and so loses
    test, column = (similarities > before[0][:, -1:]).nonzero(as_tuple=True)
    counts = torch.bincount(test, minlength=len(similarities))  # (n,)
    many = counts > count
    if many.any():
        values, columns = nearest(similarities[many], count)
        _join_some(before, many, (values, labels[columns]), count=count)
        few = ~many[test]
        column, test = column[few], test[few]
        counts = counts.masked_fill(many, 0)
    if len(test):
        values, columns = _padded(similarities, test, column, counts=counts)
        _join_some(before, counts > 0, (values, labels[columns]), count=count)
    return before


def _padded(
    similarities: Tensor, test: Tensor, column: Tensor, *, counts: Tensor
) -> tuple[Tensor, Tensor]:
    """Similarities and their columns as one line per test image that has any, padded with -inf.

    Args:
        similarities: (n, b).
        test: rows of the entries to list, (m,), ascending.
        column: their columns, (m,), ascending for each row.
        counts: how many entries each test image has, (n,).
    """
    line = ((counts > 0).cumsum(0) - 1)[test]
    place = torch.arange(len(test), device=test.device) - (counts.cumsum(0) - counts)[test]
    shape = (int((counts > 0).sum()), int(counts.max()))
    values, columns = similarities.new_full(shape, -torch.inf), column.new_zeros(shape)
    values[line, place], columns[line, place] = similarities[test, column], column
    return values, columns


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

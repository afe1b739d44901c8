"""k-NN by cosine similarity s: neighbours vote for their classes with weight exp(s / temperature).

Z. Wu, Y. Xiong, S. Yu, D. Lin: Unsupervised Feature Learning via Non-Parametric Instance
Discrimination, CVPR 2018, section 3.4, https://arxiv.org/abs/1805.01978.
"""

from math import sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.07  # section 3.4; DINO's eval_knn.py has it too
# Columns of a group of `nearest`, and from how many columns a neighbour on there are groups.
GROUP, GROUPED_FROM = 8, 32
MIN_K = 5  # so that top-5 is over five labelled images that vote


def scaled_k(knn_k: int, n_labels: int) -> int:
    """Return the number of neighbours that vote: sqrt(n_labels), at least 5, at most ``knn_k``.

    A fixed number is a share of the labels that depends on how many there are: the 200 of Wu et
    al. are 0.4 % of CIFAR-10 and 40 % of 500 labels, more than any class has. The rule is
    consistent only if the number grows and its share of the labels shrinks (Stone, Annals of
    Statistics 1977, theorem 2, https://doi.org/10.1214/aos/1176343886), of which the square root
    is the usual case (Duda, Hart, Stork: Pattern Classification, 2001, section 4.4). It is 200
    for 40,000 labels, near Wu's CIFAR-10 (50,000), and 20, with which DINO works best, for 400.
    """
    return min(knn_k, max(MIN_K, round(sqrt(n_labels))))


def l2_normalize(features: Tensor) -> Tensor:
    """Return features (N, D) as float32 of length 1.

    A zero vector stays zero, and has similarity 0 to everything.
    """
    return F.normalize(features.float(), dim=1)


def normalise_(features: Tensor) -> Tensor:
    """`l2_normalize` in place, of float32 (N, D); returns the lengths before, (N, 1).

    A length is not finite where a value is not, and where values are above about 1e19.
    """
    lengths = torch.linalg.vector_norm(features, dim=1, keepdim=True)
    features.div_(lengths.clamp_min(1e-12))
    return lengths


def nearest(similarities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the largest similarities of each row and their columns, largest first.

    Equal ones go by column, lower first: which of them `torch.topk` takes is not defined.

    Args:
        similarities: (n, b).
        count: how many of each row.

    Returns:
        Values and columns, (n, min(count, b)) each.
    """
    width = similarities.shape[1]
    if similarities.device.type == "cpu" and width >= GROUPED_FROM * count:
        candidates, at, crowded = _candidates(similarities, count)
        values, columns = candidates.topk(count + 1, dim=1)
        columns = at.gather(1, columns)
    else:
        values, columns = similarities.topk(min(count + 1, width), dim=1)
        crowded = values.new_zeros(len(values), dtype=torch.bool)
    if width > count:
        crowded |= values[:, count - 1] == values[:, -1]  # several are the last
    values, columns = values[:, :count].clone(), columns[:, :count].clone()
    if crowded.any():
        ordered = similarities[crowded].sort(dim=1, descending=True, stable=True)
        values[crowded], columns[crowded] = ordered.values[:, :count], ordered.indices[:, :count]
    # Rows without ties are in order already, and sorting everything twice takes longer than topk.
    tied = (values[:, 1:] == values[:, :-1]).any(1)
    if tied.any():
        by_column, order = columns[tied].sort(dim=1)
        in_order = values[tied].gather(1, order).sort(dim=1, descending=True, stable=True)
        values[tied] = in_order.values
        columns[tied] = by_column.gather(1, in_order.indices)
    return values, columns


def _candidates(similarities: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return a few of each row's entries, with all of its ``count`` largest.

    By the largest entry of each group of columns. ``count`` groups hold as many entries that are at
    least the least of their maxima, so that those of the other groups are not among the largest.
    Half the time of `torch.topk` over everything.

    Args:
        similarities: (n, b).
        count: as in `nearest`.

    Returns:
        Entries (n, c), their columns int64 (n, c), and bool (n,): rows of which others may be as
        large, as a group left out has a maximum that equals that of one taken.
    """
    rows, width = similarities.shape
    groups = width // GROUP
    grouped = similarities[:, : GROUP * groups].unflatten(1, (GROUP, groups))
    maxima, chosen = grouped.amax(1).topk(count + 1, dim=1)
    of_groups = chosen[:, None, :count].expand(-1, GROUP, -1)  # (n, GROUP, count)
    first = torch.arange(0, GROUP * groups, groups)[:, None]
    rest = torch.arange(GROUP * groups, width).expand(rows, -1)
    entries = [grouped.gather(2, of_groups).flatten(1), similarities[:, GROUP * groups :]]
    columns = [(of_groups + first).flatten(1), rest]
    return torch.cat(entries, 1), torch.cat(columns, 1), maxima[:, -1] == maxima[:, -2]


def vote_shares(
    similarities: Tensor,
    labels: Tensor,
    num_classes: int,
    *,
    temperature: float = TEMPERATURE,
) -> Tensor:
    """Return the share of the votes of each class, float64 (n, num_classes).

    On a CPU a function of its arguments to the last bit; on a GPU sums of many terms are not.

    Args:
        similarities: (n, k) of the neighbours, largest first.
        labels: int64 (n, k), their classes, in [0, num_classes).
        num_classes: of the target.
        temperature: above 0.
    """
    # relative to the largest, so that none overflows
    weights = ((similarities - similarities[:, :1]).double() / temperature).exp()
    shares = torch.zeros(len(labels), num_classes, dtype=torch.float64, device=labels.device)
    return shares.scatter_add_(1, labels, weights) / weights.sum(1, keepdim=True)

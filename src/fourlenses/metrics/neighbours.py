"""Nearest neighbours by cosine similarity s, which vote for their classes with weight exp(s / temperature).

Z. Wu, Y. Xiong, S. Yu, D. Lin: Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR 2018, section 3.4.
"""

from math import sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.07  # section 3.4; DINO's eval_knn.py has it too

LEAST = 5  # so that top-5 is over five labelled images that vote


def scaled_count(most: int, labels: int) -> int:
    """How many neighbours vote among so many labelled images: the square root of their number, at least 5, at most ``most``.

    A fixed number is a part of the labels that depends on how many there are: 200 of Wu et al. are 0.4 % of CIFAR-10 and 40 % of 500
    labels, more than any class has. The rule is consistent only if the number grows and its share of the labels shrinks (Stone, Annals
    of Statistics 1977, theorem 2), of which the square root is the usual case (Duda, Hart, Stork: Pattern Classification, 2001, section
    4.4). It is 200 for 40,000 labels, near Wu's CIFAR-10 (50,000), and 20, with which DINO works best, for 400.
    """
    return min(most, max(LEAST, round(sqrt(labels))))


def directions(features: Tensor) -> Tensor:
    """Features (N, D) as float32 of length 1; what is zero stays zero, and is equally far from everything."""
    return F.normalize(features.float(), dim=1)


def nearest(similarities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` largest of each row of similarities (n, b), largest first, and their columns: (n, min(count, b)) each.

    Equal ones go by column, lower first: which of them `torch.topk` takes is not defined.
    """
    values, columns = similarities.topk(min(count + 1, similarities.shape[1]), dim=1)
    crowded = (
        values[:, count - 1] == values[:, -1]
        if values.shape[1] > count
        else values.new_zeros(0, dtype=torch.bool)
    )
    values, columns = values[:, :count].clone(), columns[:, :count].clone()
    if crowded.any():  # several are the last
        ordered = similarities[crowded].sort(dim=1, descending=True, stable=True)
        values[crowded], columns[crowded] = ordered.values[:, :count], ordered.indices[:, :count]
    tied = (values[:, 1:] == values[:, :-1]).any(1)
    if tied.any():  # elsewhere their order is theirs already, and to sort everything twice takes longer than topk
        among, order = columns[tied].sort(dim=1)
        values[tied], order = (
            values[tied].gather(1, order).sort(dim=1, descending=True, stable=True)
        )
        columns[tied] = among.gather(1, order)
    return values, columns


def vote_shares(
    similarities: Tensor, labels: Tensor, num_classes: int, temperature: float = TEMPERATURE
) -> Tensor:
    """The share of the votes each class gets, float64 (n, num_classes), from neighbours (n, k): similarities, largest first, and labels.

    On the CPU a function of its arguments to the last bit; on a GPU sums of many terms are not.
    """
    weights = (
        (similarities - similarities[:, :1]).double() / temperature
    ).exp()  # the largest is 1, so that none overflows
    shares = torch.zeros(
        len(labels), num_classes, dtype=torch.float64, device=labels.device
    ).scatter_add_(1, labels, weights)
    return shares / weights.sum(1, keepdim=True)

"""A lens's requests: numbers that it shows, from which the plan of a study is made.

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fourlenses.study import Run
from fourlenses.study.sizes import Quantity


class Request(NamedTuple):
    """An encoder to evaluate on a target dataset.

    Args:
        run: the encoder. Under a protocol that trains from scratch: what is trained instead,
            supervised, on as many images.
        target: the dataset it is evaluated on.
        labels: how many labelled images of it, or `all`.
        protocol: how it is evaluated.
    """

    run: Run
    target: str
    labels: Quantity
    protocol: str


def of_encoders(
    encoders: Iterable[str],
    dataset: str,
    labels: Quantity,
    *,
    protocols: Iterable[str],
    seed: int,
) -> Iterator[Request]:
    """Yield external encoders, by their names in `encoders`, on `dataset` by all protocols."""
    for name in encoders:
        for protocol in protocols:
            yield Request(Run.external(name, seed), dataset, labels, protocol)


def from_scratch(
    protocols: Iterable[str], dataset: str, labels: Quantity, *, seed: int
) -> Iterator[Request]:
    """Yield the trainings from scratch on `labels` images of `dataset`, one per protocol."""
    for protocol in protocols:
        yield Request(Run("supervised", f"{dataset}-{labels}", seed), dataset, labels, protocol)

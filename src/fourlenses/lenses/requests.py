"""A lens's requests: numbers that it shows, from which the plan of a study is made.

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fourlenses.study import Run
from fourlenses.study.encoders import PER_CLASS
from fourlenses.study.sizes import Quantity


class Request(NamedTuple):
    """An encoder to evaluate on a target dataset.

    Args:
        run: the encoder. Under a protocol that trains from scratch: what is trained instead,
            supervised, on as many images.
        target: the dataset it is evaluated on.
        labels: how many labelled images of it, `all`, or `5_per_class`.
        protocol: how it is evaluated.
    """

    run: Run
    target: str
    labels: Quantity
    protocol: str


def label_sizes(lens: dict) -> list[Quantity]:
    """Return the label sizes of a section: `labelled_images`, then `labelled_per_class`."""
    images = lens["labelled_images"]
    per_class = (f"{number}{PER_CLASS}" for number in lens.get("labelled_per_class", []))
    return [*(images if isinstance(images, list) else [images]), *per_class]


def sections(lens: dict) -> list[dict]:
    """Return the section as lenses read it: `labelled_per_class` is among `labelled_images`.

    A section with one label size is there once for each.
    """
    if not isinstance(lens["labelled_images"], list):
        return [_with_labels(lens, size) for size in label_sizes(lens)]
    more = [
        _with_labels(entry, label_sizes({**lens, **entry}))
        if {"labelled_images", "labelled_per_class"} & set(entry)
        else entry
        for entry in lens.get("more", [])
    ]
    section = _with_labels(lens, label_sizes(lens))
    return [{**section, "more": more} if more else section]


def _with_labels(lens: dict, labels: Quantity | list[Quantity]) -> dict:
    others = {key: value for key, value in lens.items() if key != "labelled_per_class"}
    return {**others, "labelled_images": labels}


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

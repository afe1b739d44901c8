"""Requests of the fewshot lens: one encoder a dataset, at several numbers of labels."""

from collections.abc import Iterator

from fourlenses.lenses.checks import check_section
from fourlenses.lenses.requests import Request
from fourlenses.study import Run


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined."""
    check_section(config, "fewshot", lens)


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield the encoders at every number of labels."""
    for dataset in lens["datasets"]:
        for method in lens["methods"]:
            run = Run(method, f"{dataset}-{lens['pretrain_images']}", seed)
            for labels in lens["labelled_images"]:
                for protocol in lens["protocols"]:
                    yield Request(run, dataset, labels, protocol)

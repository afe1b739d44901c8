"""Requests of the quantity lens (the paper's Figures 2 and 3).

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator

from fourlenses.lenses.checks import check_section
from fourlenses.lenses.requests import Request, from_scratch
from fourlenses.study import Run
from fourlenses.study.encoders import EQUAL_STEPS, derived
from fourlenses.study.sizes import (
    Quantity,
    derived_endings,
    images_of,
    largest_size,
    parts_of,
    reference_images,
)
from fourlenses.study.vocabulary import FEATURE_PROTOCOLS


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined."""
    check_section(config, "quantity", lens)
    for index, entry in enumerate(lens["more"]):
        check_section(config, f"quantity.more[{index}]", {**lens, **entry})


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield in-domain pretraining at every size, evaluated at every label size, and training from
    scratch on the same labels.

    An entry of `more` is the lens again with some keys replaced, for example three methods on one
    dataset only, as in Figure 3. Derived entries of a method (half as long, at equal steps) are
    requested next to the plain ones.

    Raises:
        UserError: see `study.sizes.reference_images`.
    """
    for part in parts_of(lens):
        for dataset in part["datasets"]:
            encoders = list(_encoders_of(config, part, dataset))
            for labels in part["labelled_images"]:
                for method, images, protocols in encoders:
                    run = Run(method, f"{dataset}-{images}", seed)
                    for protocol in protocols:
                        yield Request(run, dataset, labels, protocol)
                yield from from_scratch(part["baselines"], dataset, labels, seed=seed)


def _encoders_of(
    config: dict, part: dict, dataset: str
) -> Iterator[tuple[str, Quantity, list[str]]]:
    """Yield method, size and protocols of the encoders of one dataset."""
    sizes, protocols = part["pretrain_images"], part["protocols"]
    on_features = [protocol for protocol in protocols if protocol in FEATURE_PROTOCOLS]
    for method in part["methods"]:
        yield from ((method, size, protocols) for size in sizes)
        for ending in derived_endings(part):
            name = derived(method, ending)
            if ending != EQUAL_STEPS:
                yield name, largest_size(part), on_features
            elif "steps" not in config["methods"][method]:
                most = reference_images(config)
                below = [size for size in sizes if images_of(config, dataset, size) < most]
                yield from ((name, size, protocols) for size in below)

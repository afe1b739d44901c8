"""Requests of the quantity lens (the paper's Figures 2 and 3).

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator

from fourlenses.lenses.checks import check_section
from fourlenses.lenses.requests import Request, from_scratch
from fourlenses.study import Run
from fourlenses.study.datasets import check_targets, labelled, own_source
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
    parts = {"quantity": lens} | {
        f"quantity.more[{index}]": {**lens, **entry} for index, entry in enumerate(lens["more"])
    }
    for key, part in parts.items():
        check_section(config, key, part)
        check_targets(config, f"{key}.datasets", part["datasets"])


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
        for dataset in labelled(config, part["datasets"]):
            encoders = list(_encoders_of(config, part, dataset))
            for labels in part["labelled_images"]:
                for method, images, protocols in encoders:
                    source = own_source(config, dataset, part["datasets"], method=method)
                    run = Run(method, f"{source}-{images}", seed)
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
                source = own_source(config, dataset, part["datasets"], method=method)
                for size in sizes:
                    images = images_of(config, source, size)
                    if images is not None and images < most:
                        yield name, size, protocols

"""Requests of the quality lens (the paper's Figure 4).

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator

from fourlenses.core.errors import UserError, one_of
from fourlenses.lenses.checks import check_section
from fourlenses.lenses.requests import Request
from fourlenses.study import CLEAN, Part, Run
from fourlenses.study.corruptions import CORRUPTIONS, changes_nothing
from fourlenses.study.datasets import check_targets, labelled, own_source


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined, or a corruption that would
    change no image."""
    check_section(config, "quality", lens)
    check_targets(config, "quality.datasets", lens["datasets"])
    key = "quality.corruptions"
    for corruption in lens["corruptions"]:
        if corruption not in CORRUPTIONS:
            raise UserError(f"key '{key}': {one_of('corruption', corruption, CORRUPTIONS)}")
        if changes_nothing(corruption, config["stored_size"]):
            raise UserError(
                f"key '{key}': '{corruption}' changes no image at stored_size: "
                f"{config['stored_size']}, to which the shortest side is shrunk anyway; raise "
                "'stored_size' or leave it out"
            )


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield pretraining on clean and on corrupted images, evaluated on clean ones."""
    labels = lens["labelled_images"]
    for dataset in labelled(config, lens["datasets"]):
        for corruption in [CLEAN, *lens["corruptions"]]:
            for method in lens["methods"]:
                own = own_source(config, dataset, lens["datasets"], method=method)
                source = str(Part(own, str(lens["pretrain_images"]), corruption))
                for protocol in lens["protocols"]:
                    yield Request(Run(method, source, seed), dataset, labels, protocol)

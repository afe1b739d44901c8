"""Requests of the granularity lens (the paper's Figure 5).

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator

from fourlenses.lenses.checks import check_section
from fourlenses.lenses.requests import Request, from_scratch, label_sizes, of_encoders
from fourlenses.study import Cell, Run, Subset
from fourlenses.study.datasets import check_targets, labelled, own_source
from fourlenses.study.vocabulary import FROZEN_PROTOCOLS


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined."""
    check_section(config, "granularity", lens)
    check_targets(config, "granularity.datasets", lens["datasets"])


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield encoders and training from scratch, to be scored at every level of the hierarchy."""
    labels = lens["labelled_images"]
    for dataset in labelled(config, lens["datasets"]):
        for method in lens["methods"]:
            own = own_source(config, dataset, lens["datasets"], method=method)
            run = Run(method, f"{own}-{lens['pretrain_images']}", seed)
            for protocol in lens["protocols"]:
                yield Request(run, dataset, labels, protocol)
        encoders, protocols = lens["encoders"], lens["protocols"]
        yield from of_encoders(encoders, dataset, labels, protocols=protocols, seed=seed)
        yield from from_scratch(["scratch"], dataset, labels, seed=seed)


def also_shows(lens: dict, cell: Cell) -> bool:
    """Return whether a cell that another lens asks for is wanted at every level too.

    A supervised encoder of the target may be better there than training from scratch.
    """
    run, target = cell.run, cell.target
    in_domain = run.source.startswith(f"{target}-") and not {"@", "+"} & set(run.source)
    return (
        run.method == "supervised"
        and in_domain
        and target in lens["datasets"]
        and cell.protocol in FROZEN_PROTOCOLS
        and Subset.parse(cell.labelled).size in map(str, label_sizes(lens))
    )

"""Requests of the alternatives lens.

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator

from fourlenses.core.errors import UserError
from fourlenses.lenses.checks import check_method, check_section
from fourlenses.lenses.requests import Request, from_scratch, label_sizes, of_encoders
from fourlenses.study import Cell, Run, Subset
from fourlenses.study.datasets import check_targets, labelled, of_domain, own_source


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined, or takes an entry of
    `methods` for what it is not."""
    check_section(config, "alternatives", lens)
    check_targets(config, "alternatives.datasets", lens["datasets"])
    if not label_sizes(lens):
        raise UserError(
            "key 'alternatives.labelled_images' is empty, and so is 'labelled_per_class'; give one "
            "of them a label size"
        )
    for method in lens["methods"]:
        if config["methods"][method].get("start"):
            raise UserError(
                f"key 'alternatives.methods' names '{method}', which starts from an external "
                "encoder; name it in 'alternatives.continued'"
            )
    for entry in lens["continued"]:
        check_method(config, "alternatives.continued", entry)
        if not config["methods"][entry].get("start"):
            raise UserError(
                f"key 'alternatives.continued' names '{entry}', which starts from no external "
                "encoder; give that entry of 'methods' a `start`, or name it in "
                "'alternatives.methods'"
            )


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield the requests of all encoders at every label size.

    Encoders of the study, external ones, continued ones with those they started from, and training
    from scratch.
    """
    starts = [config["methods"][entry]["start"] for entry in lens["continued"]]
    encoders = list(dict.fromkeys([*lens["encoders"], *starts]))
    for dataset in labelled(config, lens["datasets"]):
        entries = [*lens["methods"], *lens["continued"]]
        own = [own_source(config, dataset, lens["datasets"], method=entry) for entry in entries]
        runs = [
            Run(entry, f"{source}-{lens['pretrain_images']}", seed)
            for entry, source in zip(entries, own, strict=True)
        ]
        for labels in lens["labelled_images"]:
            for run in runs:
                for protocol in lens["protocols"]:
                    yield Request(run, dataset, labels, protocol)
            protocols = lens["protocols"]
            yield from of_encoders(encoders, dataset, labels, protocols=protocols, seed=seed)
            yield from from_scratch(lens["baselines"], dataset, labels, seed=seed)


def also_shows(lens: dict, cell: Cell) -> bool:
    """Return whether a cell of another lens is of own pretraining too: more images than this one
    asks for, say."""
    run, target = cell.run, cell.target
    own = of_domain(run.source.partition("-")[0]) == target
    in_domain = own and not {"@", "+", "~"} & set(run.source)
    labels = Subset.parse(cell.labelled).size
    return (
        run.method in lens["methods"]
        and in_domain
        and target in lens["datasets"]
        and cell.protocol in lens["protocols"]
        and labels in {str(size) for size in label_sizes(lens)}
    )

"""Requests of the alternatives lens.

Standard library only: the Snakefile imports it in every job.
"""

from collections.abc import Iterator

from fourlenses.core.errors import UserError
from fourlenses.lenses.checks import check_method, check_section
from fourlenses.lenses.requests import Request, from_scratch, label_sizes, of_encoders
from fourlenses.study import Cell, Run, Subset
from fourlenses.study.datasets import check_targets, labelled, of_domain, own_source
from fourlenses.study.sizes import parts_of


def check(config: dict, lens: dict) -> None:
    """Raise a `UserError` where the section names what is not defined, or takes an entry of
    `methods` for what it is not."""
    for index, part in enumerate(parts_of(lens)):
        _check_part(config, f"alternatives.more[{index - 1}]" if index else "alternatives", part)


def _check_part(config: dict, key: str, part: dict) -> None:
    """Check the section, or the section with an entry of `more` laid over it."""
    check_section(config, key, part)
    check_targets(config, f"{key}.datasets", part["datasets"])
    if not label_sizes(part):
        raise UserError(
            f"key '{key}.labelled_images' is empty, and so is 'labelled_per_class'; give one "
            "of them a label size"
        )
    for method in part["methods"]:
        if config["methods"][method].get("start"):
            raise UserError(
                f"key '{key}.methods' names '{method}', which starts from an external "
                f"encoder; name it in '{key}.continued'"
            )
    for entry in part["continued"]:
        check_method(config, f"{key}.continued", entry)
        if not config["methods"][entry].get("start"):
            raise UserError(
                f"key '{key}.continued' names '{entry}', which starts from no external "
                "encoder; give that entry of 'methods' a `start`, or name it in "
                f"'{key}.methods'"
            )


def requests(config: dict, lens: dict, seed: int) -> Iterator[Request]:
    """Yield the requests of all encoders at every label size.

    Encoders of the study, external ones, continued ones with those they started from, and training
    from scratch. An entry of `more` is the lens again with some keys replaced, for example
    fine-tuning on one dataset only.
    """
    for part in parts_of(lens):
        for dataset in labelled(config, part["datasets"]):
            yield from _requests_of(config, part, dataset, seed=seed)


def _requests_of(config: dict, part: dict, dataset: str, *, seed: int) -> Iterator[Request]:
    starts = [config["methods"][entry]["start"] for entry in part["continued"]]
    encoders = list(dict.fromkeys([*part["encoders"], *starts]))
    entries = [*part["methods"], *part["continued"]]
    own = [own_source(config, dataset, part["datasets"], method=entry) for entry in entries]
    runs = [
        Run(entry, f"{source}-{part['pretrain_images']}", seed)
        for entry, source in zip(entries, own, strict=True)
    ]
    protocols = part["protocols"]
    for labels in part["labelled_images"]:
        for run in runs:
            for protocol in protocols:
                yield Request(run, dataset, labels, protocol)
        yield from of_encoders(encoders, dataset, labels, protocols=protocols, seed=seed)
        yield from from_scratch(part["baselines"], dataset, labels, seed=seed)


def also_shows(lens: dict, cell: Cell) -> bool:
    """Return whether a cell of another lens is of own pretraining too: more images than this one
    asks for, say."""
    return any(_shows(part, cell) for part in parts_of(lens))


def _shows(part: dict, cell: Cell) -> bool:
    run, target = cell.run, cell.target
    own = of_domain(run.source.partition("-")[0]) == target
    in_domain = own and not {"@", "+", "~"} & set(run.source)
    labels = Subset.parse(cell.labelled).size
    return (
        run.method in part["methods"]
        and in_domain
        and target in part["datasets"]
        and cell.protocol in part["protocols"]
        and labels in {str(size) for size in label_sizes(part)}
    )

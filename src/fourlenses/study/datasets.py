"""Datasets without labels: which they are, and which dataset of a study's targets they belong to.

Standard library only: the Snakefile imports it.
"""

from collections.abc import Iterable

from fourlenses.core.errors import UserError
from fourlenses.study.vocabulary import method_of

UNLABELLED = "unlabelled"  # the source, and the one label that its images carry
_ENDING = f"_{UNLABELLED}"


def is_unlabelled(config: dict, dataset: str) -> bool:
    """Return whether a dataset is images alone: a source of pretraining, never a target."""
    return config["datasets"].get(dataset, {}).get("source") == UNLABELLED


def labelled(config: dict, datasets: Iterable[str]) -> list[str]:
    """Return those that encoders can be evaluated on."""
    return [dataset for dataset in datasets if not is_unlabelled(config, dataset)]


def of_domain(dataset: str) -> str:
    """Return the dataset whose domain one is of: `birds_unlabelled` -> `birds`."""
    return dataset.removesuffix(_ENDING)


def own_source(config: dict, target: str, datasets: Iterable[str], *, method: str) -> str:
    """Return the dataset that stands for a target's own images where pretraining is concerned.

    `birds_unlabelled` for `birds`, where the lens names both: there are more of them. A method that
    learns from labels takes `birds`.

    Args:
        config: of the study.
        target: a dataset of the lens.
        datasets: all of the lens.
        method: an entry of `methods`.
    """
    own = target + _ENDING
    without = own in datasets and is_unlabelled(config, own) and not needs_labels(method)
    return own if without else target


def listed_files(definition: dict) -> list[str]:
    """Return the files of the key ``exclude`` of a dataset's entry: none, one or several."""
    named = definition.get("exclude", [])
    return [named] if isinstance(named, str) else list(named)


def needs_labels(method: str) -> bool:
    """Return whether an entry's method learns from labels."""
    return method_of(method) == "supervised"


def check_targets(config: dict, key: str, datasets: Iterable[str], *, others: bool = False) -> None:
    """Check that a lens's datasets have targets among them, and that it uses all.

    Args:
        config: of the study.
        key: the config key, for the message.
        datasets: its value.
        others: whether images of another domain are sources too, as in the lens domain.

    Raises:
        UserError: none has labels; or images without labels belong to no target of the lens.
    """
    targets = labelled(config, datasets)
    if not targets:
        raise UserError(
            f"key '{key}' names {', '.join(datasets)}: images without labels, on which nothing can "
            "be evaluated; add the dataset that has labels"
        )
    for dataset in datasets:
        if not others and is_unlabelled(config, dataset) and of_domain(dataset) not in targets:
            raise UserError(
                f"key '{key}' names '{dataset}', whose images have no labels; call it after the "
                f"dataset that it belongs to, such as '{targets[0]}{_ENDING}', or name it in the "
                "lens domain, where it is a source like others"
            )

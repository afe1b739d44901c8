"""Checks of a lens's section of the config against the datasets and methods that are defined.

The schema has checked types; here is what depends on other keys. Standard library only.
"""

from collections.abc import Iterable

from fourlenses.config.encoders import check_encoder
from fourlenses.core.errors import UserError, one_of
from fourlenses.study import ALL
from fourlenses.study.sizes import Quantity, images_of
from fourlenses.study.vocabulary import RANDOM_INIT


def check_section(config: dict, key: str, section: dict) -> None:
    """Check the keys that every lens has.

    Args:
        config: the whole config.
        key: the section's name, for the message: `quantity` or `quantity.more[0]`.
        section: the section itself.

    Raises:
        UserError: a dataset or method is not defined, or has fewer images than asked for.
    """
    datasets = section["datasets"]
    check_datasets(config, f"{key}.datasets", datasets)
    for encoder in section.get("encoders", []):  # not every lens has the key
        check_encoder(config, f"{key}.encoders", encoder)
    for method in section["methods"]:
        check_method(config, f"{key}.methods", method)
    for sizes in ("pretrain_images", "labelled_images"):
        check_sizes(config, f"{key}.{sizes}", section[sizes], datasets=datasets)


def check_datasets(config: dict, key: str, datasets: Iterable[str]) -> None:
    """Raise a `UserError` for a dataset that is not defined."""
    for dataset in datasets:
        if dataset not in config["datasets"]:
            raise UserError(f"key '{key}': {one_of('dataset', dataset, config['datasets'])}")


def check_method(config: dict, key: str, method: str) -> None:
    """Raise a `UserError` for a method that is not defined, or trains nothing."""
    trained = [name for name in config["methods"] if name != RANDOM_INIT]
    if method not in trained:
        raise UserError(f"key '{key}': {one_of('method', method, trained)}")


def check_sizes(
    config: dict, key: str, sizes: Quantity | list[Quantity], *, datasets: Iterable[str]
) -> None:
    """Raise a `UserError` for a size larger than a dataset is defined to be."""
    for size in sizes if isinstance(sizes, list) else [sizes]:
        for dataset in datasets:
            defined = images_of(config, dataset, ALL)
            if size != ALL and defined is not None and int(size) > defined:
                raise UserError(
                    f"key '{key}' asks for {size} images, but dataset '{dataset}' is "
                    f"defined with train_images: {defined}; lower the one or raise the other"
                )

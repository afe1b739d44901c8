"""The sizes of the quantity lens: which there are, the largest, and whose epochs decide the steps of all."""

from collections.abc import Iterator

from fourlenses.core.errors import UserError
from fourlenses.study.encoders import ALL, EQUAL_STEPS

Quantity = int | str


def parts_of(lens: dict) -> list[dict]:
    """The quantity lens once as it is and once for each entry of ``more``, which replaces keys."""
    own = {key: value for key, value in lens.items() if key != "more"}
    return [own, *({**own, **entry} for entry in lens["more"])]


def images_of(config: dict, dataset: str, size: Quantity) -> int | None:
    """What a size is of a dataset; None: `all`, where the definition has no `train_images`."""
    return config["datasets"].get(dataset, {}).get("train_images") if size == ALL else size


def largest_size(part: dict) -> Quantity:
    """Of the sizes of a part of the lens; `all` is the largest."""
    sizes = part["pretrain_images"]
    return ALL if ALL in sizes else max(sizes)


def reference_images(config: dict) -> int:
    """The images whose epochs decide how many steps all sizes of the quantity lens get: its most.

    Raises:
        UserError: they are `all` of a dataset whose number is not defined.
    """
    found = []
    for part in parts_of(config["quantity"]):
        for dataset in part["datasets"]:
            images = images_of(config, dataset, largest_size(part))
            if images is None:
                raise UserError(
                    "key 'quantity.equal' asks for the steps of the lens' largest size, which is "
                    f"'all' of dataset '{dataset}', and how many that is its definition does not "
                    "say; give the method `steps`, or choose `equal: epochs`"
                )
            found.append(images)
    return max(found)


def derived_endings(part: dict) -> Iterator[str]:
    """Which derived entries of its methods a part of the lens has: none with one size alone."""
    if len(part["pretrain_images"]) > 1:
        yield from part["convergence"]
        if part["equal"] == "both":
            yield EQUAL_STEPS

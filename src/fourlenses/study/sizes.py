"""The sizes of the quantity lens: which there are, the largest, and what they share in steps.

Standard library only.
"""

from collections.abc import Iterator

from fourlenses.core.errors import UserError
from fourlenses.study.encoders import ALL, EQUAL_STEPS

Quantity = int | str


def parts_of(lens: dict) -> list[dict]:
    """Return a lens as it is, and once for each entry of `more`, which replaces keys."""
    first = {key: value for key, value in lens.items() if key != "more"}
    return [first, *({**first, **entry} for entry in lens.get("more", []))]


def images_of(config: dict, dataset: str, size: Quantity) -> int | None:
    """Return a size in images; None for `all` where the definition has no `train_images`."""
    if size == ALL:
        return config["datasets"].get(dataset, {}).get("train_images")
    return int(size)


def largest_size(part: dict) -> Quantity:
    """Return the largest size of a part of the lens; `all` is larger than any number."""
    sizes = part["pretrain_images"]
    return ALL if ALL in sizes else max(sizes)


def reference_images(config: dict) -> int:
    """Return the largest size of the quantity lens in images; its epochs decide the steps of all.

    Raises:
        UserError: they are `all` of a dataset whose number is not defined.
    """
    sizes = []
    for part in parts_of(config["quantity"]):
        for dataset in part["datasets"]:
            images = images_of(config, dataset, largest_size(part))
            if images is None:
                raise UserError(
                    "key 'quantity.equal' asks for the steps of the lens' largest size, which is "
                    f"'all' of dataset '{dataset}', and how many that is its definition does not "
                    "say; give the method `steps`, or choose `equal: epochs`"
                )
            sizes.append(images)
    return max(sizes)


def derived_endings(part: dict) -> Iterator[str]:
    """Yield the endings of the entries that a part of the lens derives; none with one size."""
    if len(part["pretrain_images"]) > 1:
        yield from part["convergence"]
        if part["equal"] == "both":
            yield EQUAL_STEPS

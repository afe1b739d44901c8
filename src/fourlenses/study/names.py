"""What the figures call things: datasets, pretraining sources, methods and numbers of images.

The table holds the machine's names (`imagenet-250000+places365-250000`); a reader of a figure should see `ImageNet 250k +
Places365 250k`. Names nobody listed here are shown as they are, so that a user's own dataset needs no entry.
"""

import re
from collections.abc import Iterable

from fourlenses.study import methods
from fourlenses.study.encoders import split_source
from fourlenses.study.vocabulary import BACKBONES, PROTOCOLS

DATASETS = {
    "imagenet": "ImageNet",
    "inat21": "iNat21",
    "places365": "Places365",
    "glc20": "GLC20",
    "cifar10": "CIFAR-10",
}


SEPARATOR = " | "  # shown between the sources of encoders whose features are concatenated
# What a source says of such an encoder that is of another method or seed than the first:
# `inat21-1000.supervised`, `inat21-1000.seed1`.
_MARKED = re.compile(r"(?P<source>.*-(?:[0-9]+|all))\.(?P<marks>[a-z][a-z0-9_.]*)")


def dataset(name: str) -> str:
    """`imagenet` -> `ImageNet`."""
    return DATASETS.get(name.lower(), name)


def backbone(name: str) -> str:
    """`resnet50` -> `ResNet-50`."""
    return BACKBONES[name].label if name in BACKBONES else name


def protocol(name: str) -> str:
    """`fine_tune` -> `fine-tuned`."""
    return PROTOCOLS[name].label if name in PROTOCOLS else name


def count(number: int) -> str:
    """`125000` -> `125k`, `1000000` -> `1M`, `1281167` -> `1.28M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def source_parts(source: str) -> list[tuple[str, int | None]]:
    """`a-100@jpeg10+b-50@jpeg10` -> `[("a", 100), ("b", 50)]`, and `a-100~b-50.supervised` as well.

    The size is None where the name does not end in one, or in `all`.
    """
    parts = []
    texts = [text for part in split_source(clean_source(source)) for text in part.split("+")]
    for part in texts:
        part = _unmarked(part)[0]
        name, dash, size = part.rpartition("-")
        known = dash and (size.isdigit() or size == "all")
        parts.append((name if known else part, int(size) if known and size != "all" else None))
    return parts


def datasets(source: str) -> frozenset[str]:
    """What was pretrained on, whatever the numbers of images."""
    return frozenset(name for name, _ in source_parts(source))


def is_fused(source: str) -> bool:
    """Tell whether a source names several encoders whose features are concatenated."""
    return len(split_source(source)) > 1


def clean_source(source: str) -> str:
    """The source without the corruption of any part: `a-100@jpeg10+b-50@jpeg10` -> `a-100+b-50`."""
    return re.sub(r"@\w+", "", source)


def source(text: str) -> str:
    """`imagenet-250000+places365-250000` -> `ImageNet 250k + Places365 250k`; of encoders side by side `ImageNet 250k | Places365 250k`,
    and what another than the first has instead in brackets: `ImageNet 1M | iNat21 1M (supervised)`, `ImageNet 1M | ImageNet 1M (another
    seed)`."""
    if is_fused(text):
        return SEPARATOR.join(source(part) + _marks(part) for part in split_source(text))
    parts = [
        dataset(name) if size is None else f"{dataset(name)} {count(size)}"
        for name, size in source_parts(text)
    ]
    return " + ".join(parts)


def _unmarked(part: str) -> tuple[str, list[str]]:
    """`inat21-1000.supervised.seed1` -> `("inat21-1000", ["supervised", "seed1"])`."""
    match = _MARKED.fullmatch(part)
    return (match["source"], match["marks"].split(".")) if match else (part, [])


def encoders(source_name: str) -> list[tuple[str, str, str]]:
    """Of encoders side by side each with its source, method and seed, the last two empty where they are the first's:
    `a-100~b-50.supervised` -> `[("a-100", "", ""), ("b-50", "supervised", "")]`."""
    found = []
    for part in split_source(source_name):
        alone, marks = _unmarked(part)
        seeds = [mark for mark in marks if re.fullmatch("seed[0-9]*", mark)]
        others = [mark for mark in marks if mark not in seeds]
        found.append((alone, others[0] if others else "", seeds[0] if seeds else ""))
    return found


def of_any_seed(source_name: str) -> str:
    """`a-100~a-100.seed1` -> `a-100~a-100.seed`: of each seed its own other seed, which makes one encoder of them."""
    return re.sub(r"\.seed[0-9]+", ".seed", source_name)


def _marks(part: str) -> str:
    marks = _unmarked(part)[1]
    said = [
        "another seed"
        if re.fullmatch("seed[0-9]*", mark)
        else methods.label(mark)
        if methods.known(mark)
        else mark
        for mark in marks
    ]
    return f" ({', '.join(said)})" if said else ""


def is_in_domain(source_name: str, target: str) -> bool:
    """Whether one encoder, and everything that it was pretrained on, came from the target's own dataset (a pool with others does not
    count, nor do several encoders side by side)."""
    return not is_fused(source_name) and datasets(source_name) == {target}


def corruption(name: str) -> str:
    """`salt_and_pepper` -> `salt and pepper`."""
    return name.replace("_", " ")


def in_order(found: Iterable[str], order: Iterable[str]) -> list[str]:
    """The distinct names of `found`, in the given order, unlisted ones after those as they came."""
    found = list(dict.fromkeys(found))
    listed = [name for name in order if name in found]
    return listed + [name for name in found if name not in listed]

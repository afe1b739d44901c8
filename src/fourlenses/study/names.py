"""Names for readers: datasets, pretraining sources, backbones, protocols and numbers of images.

The table holds the machine's names (`imagenet-250000+places365-250000`); a figure shows `ImageNet
250k + Places365 250k`. A name that is not listed here is shown as it is, so that a user's dataset
needs no entry; a label of the user's own (`study.labels`) comes before both.
"""

import functools
import re
from collections.abc import Iterable

from fourlenses.study import labels, methods
from fourlenses.study.corruptions import CORRUPTION_FAMILIES, CORRUPTIONS
from fourlenses.study.datasets import of_domain
from fourlenses.study.encoders import ALL, PER_CLASS, split_source, split_start
from fourlenses.study.vocabulary import BACKBONES, EXTERNAL, PROTOCOLS

DATASETS = {
    "imagenet": "ImageNet",
    "inat21": "iNat21",
    "places365": "Places365",
    "glc20": "GLC20",
    "cifar10": "CIFAR-10",
}
SEPARATOR = " & "  # shown between the sources of encoders whose features are concatenated
# What a source says of such an encoder that is of another method or seed than the first:
# `inat21-1000.supervised`, `inat21-1000.seed1`.
_SEED = re.compile("seed[0-9]*")
_MARKED = re.compile(r"(?P<source>.*-(?:[0-9]+|all)|[a-z][a-z0-9_]*)\.(?P<marks>[a-z][a-z0-9_.]*)")


def dataset(name: str) -> str:
    """`imagenet` -> `ImageNet`."""
    return labels.of(name, DATASETS.get(name.lower(), name))


def backbone(name: str) -> str:
    """`resnet50` -> `ResNet-50`."""
    return BACKBONES[name].label if name in BACKBONES else name


def protocol(name: str) -> str:
    """`fine_tune` -> `fine-tuned`."""
    return labels.of(name, PROTOCOLS[name].label if name in PROTOCOLS else name)


def ways(first: str, second: str) -> str:
    """Return `both linear`, or `linear against fine-tuned`, of two protocols' names."""
    return f"both {first}" if first == second else f"{first} against {second}"


def count(number: int) -> str:
    """`125000` -> `125k`, `1000000` -> `1M`, `1281167` -> `1.28M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def source_parts(source: str) -> list[tuple[str, int | None]]:
    """Return dataset and number of images of every part of a source.

    `a-100@jpeg10+b-50@jpeg10` -> `[("a", 100), ("b", 50)]`, and `a-100~b-50.supervised` as well.
    The number is None where the name does not end in one, or ends in `all`.
    """
    parts: list[tuple[str, int | None]] = []
    for encoder in split_source(clean_source(source)):
        for part in encoder.split("+"):
            name, size = _dataset_and_size(_unmarked(part)[0])
            parts.append((name, int(size) if size.isdigit() else None))
    return parts


def _dataset_and_size(part: str) -> tuple[str, str]:
    """`a-100` -> `("a", "100")`; the size is empty where there is none."""
    name, dash, size = part.rpartition("-")
    known = size.removesuffix(PER_CLASS).isdigit() or size == ALL
    return (name, size) if dash and known else (part, "")


@functools.cache
def datasets(source: str) -> frozenset[str]:
    """Return the datasets of a source."""
    return frozenset(name for name, _ in source_parts(source))


@functools.cache
def is_concatenated(source: str) -> bool:
    """Tell whether a source names several encoders whose features are concatenated."""
    return len(split_source(source)) > 1


def clean_source(source: str) -> str:
    """Return a source without corruptions: `a-100@jpeg10+b-50@jpeg10` -> `a-100+b-50`."""
    return re.sub(r"@\w+", "", source)


def source(text: str) -> str:
    """`imagenet-250000+places365-250000` -> `ImageNet 250k + Places365 250k`.

    Of concatenated encoders `ImageNet 250k & Places365 250k`, with what differs from the first in
    brackets: `ImageNet 1M & iNat21 1M (supervised)`, `ImageNet 1M & ImageNet 1M (another seed)`.
    """
    if is_concatenated(text):
        return SEPARATOR.join(_one_of_several(part) for part in split_source(text))
    parts = [
        dataset(name) if size is None else f"{dataset(name)} {count(size)}"
        for name, size in source_parts(text)
    ]
    start = split_start(text)[1]
    return " + ".join(parts) + (f" (from {labels.of(start, start)})" if start else "")


def _unmarked(part: str) -> tuple[str, list[str]]:
    """`inat21-1000.supervised.seed1` -> `("inat21-1000", ["supervised", "seed1"])`."""
    match = _MARKED.fullmatch(part)
    return (match["source"], match["marks"].split(".")) if match else (part, [])


def encoders(source_name: str) -> list[tuple[str, str, str]]:
    """Return source, method and seed of each concatenated encoder.

    Method and seed are empty where they are the first's: `a-100~b-50.supervised` ->
    `[("a-100", "", ""), ("b-50", "supervised", "")]`.
    """
    members = []
    for part in split_source(source_name):
        alone, marks = _unmarked(part)
        starts = [mark for mark in marks if split_start(f".{mark}")[1]]
        alone, marks = ".".join([alone, *starts]), [mark for mark in marks if mark not in starts]
        seeds = [mark for mark in marks if _SEED.fullmatch(mark)]
        others = [mark for mark in marks if mark not in seeds]
        members.append((alone, others[0] if others else "", seeds[0] if seeds else ""))
    return members


def is_external(method: str, source_name: str) -> bool:
    """Return whether an encoder, or one of several concatenated, is not pretrained by the study."""
    members = encoders(source_name)
    return EXTERNAL in [method, *(other for _, other, _ in members)]


def of_any_seed(source_name: str) -> str:
    """Return a source without the number of another seed, which is the same one for all seeds.

    `a-100~a-100.seed1` -> `a-100~a-100.seed`
    """
    return re.sub(r"\.seed[0-9]+", ".seed", source_name)


def _one_of_several(part: str) -> str:
    alone, marks = _unmarked(part)
    words = [_mark(mark) for mark in marks]
    return source(alone) + (f" ({', '.join(words)})" if words else "")


def _mark(mark: str) -> str:
    if _SEED.fullmatch(mark):
        return "another seed"
    if start := split_start(f".{mark}")[1]:
        return f"from {labels.of(start, start)}"
    return methods.label(mark) if methods.known(mark) else mark


@functools.cache
def is_in_domain(source_name: str, target: str) -> bool:
    """Tell whether a single encoder was pretrained on the target's dataset and on no other.

    Images without labels of the same domain (`birds_unlabelled`) are the target's own.
    """
    return not is_concatenated(source_name) and domains(source_name) == {target}


def domains(source_name: str) -> set[str]:
    """Return the datasets of a source; of a single one without labels that which it belongs to."""
    pooled = set(datasets(source_name))
    return pooled if len(pooled) > 1 else {of_domain(dataset) for dataset in pooled}


def corruption(name: str) -> str:
    """`jpeg10` -> `JPEG quality 10`, `downsample4` -> `4× coarser`."""
    if name not in CORRUPTIONS:
        return labels.of(name, name.replace("_", " "))
    family, parameter = CORRUPTIONS[name]
    template = CORRUPTION_FAMILIES[family].label or f"{family.replace('_', ' ')} {{}}"
    return labels.of(name, template.format(f"{parameter:g}"))


def corruption_family(name: str) -> str:
    """`salt_and_pepper` -> `salt and pepper`."""
    return labels.of(name, name.replace("_", " "))


def level(target: str, name: str) -> str:
    """`wordnet_path_names_depth5` -> `depth 5`, `leaf_shape` -> `leaf shape`: a label level."""
    numbered = re.fullmatch(r"(?:.*_)?(depth|level)_?(\d+)", name)
    words = " ".join(numbered.groups()) if numbered else name.replace("_", " ")
    return labels.of(f"{target}/{name}", labels.of(name, words))


def in_order(names: Iterable[str], order: Iterable[str]) -> list[str]:
    """Return the distinct names in the given order, then those that it lacks as they came."""
    distinct = list(dict.fromkeys(names))
    listed = [name for name in order if name in distinct]
    return listed + [name for name in distinct if name not in listed]

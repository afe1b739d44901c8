"""Names that a user gives: a label for a dataset, level, method entry, protocol or corruption.

They come from `datasets.<name>.label`, `datasets.<name>.level_labels` and `figures.labels` of the
config, as one mapping: `birds`, `birds/order`, `simclr_long`, `linear`. Nothing is looked up by a
label, so that files and tables do not depend on it.

Standard library only: the Snakefile imports it in every job.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

# of an entry of `datasets`: for readers alone
LABEL_KEYS = ("label", "level_labels", "licence")
_CURRENT: ContextVar[Mapping[str, str]] = ContextVar("labels", default=MappingProxyType({}))


def of(name: str, default: str) -> str:
    """Return the label of a name, or the default where the user gave none."""
    return _CURRENT.get().get(name, default)


@contextmanager
def using(labels: Mapping[str, str]) -> Iterator[None]:
    """Show names by these labels."""
    token = _CURRENT.set(labels)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Let a program take the labels that a rule gives it: `arguments.labels`, for `using`."""
    parser.add_argument(
        "--labels",
        type=json.loads,
        default={},
        help="JSON: names and what they are called: datasets, levels (birds/order), methods",
    )


def labels_of(config: dict) -> dict[str, str]:
    """Return all labels of a config for `using`.

    Those of `figures.labels` win. A level may be named as in `levels`: `taxon@3` is `taxon_depth3`.
    """
    labels: dict[str, str] = {}
    for name, entry in config["datasets"].items():
        labels |= {name: entry["label"]} if "label" in entry else {}
        for level, label in entry.get("level_labels", {}).items():
            labels[f"{name}/{level.replace('@', '_depth')}"] = label
    return labels | config["figures"]["labels"]


def definition_of(entry: dict) -> dict:
    """Return a dataset's entry without its labels and licence: a change of those makes no images
    again."""
    return {key: value for key, value in entry.items() if key not in LABEL_KEYS}

"""YAML files, read by libyaml where PyYAML was built with it.

Presets and schema are read at every start of Snakemake; libyaml is ten times as fast.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(file: str | Path) -> Any:
    """Return what a file holds; None for an empty one."""
    return yaml.load(Path(file).read_text(encoding="utf-8"), Loader=_LOADER)


def nodes(file: str | Path) -> Iterator[tuple[list[str], list[tuple[str, int]]]]:
    """Yield of each mapping of a file its path, and its keys with their lines, from 1.

    A key stands there as often as it is written.
    """
    root = yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=_LOADER)
    yield from _mappings(root, [])


def scalars(file: str | Path) -> Iterator[tuple[str, str, int]]:
    """Yield the tag, such as `int`, of each value without quotes, its text and its line, from 1."""
    pending = [yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=_LOADER)]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.MappingNode):
            pending += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.ScalarNode) and not node.style:
            yield node.tag.rpartition(":")[2], node.value, node.start_mark.line + 1


def _mappings(
    node: yaml.Node | None, path: list[str]
) -> Iterator[tuple[list[str], list[tuple[str, int]]]]:
    if isinstance(node, yaml.MappingNode):
        keys = [(str(key.value), key.start_mark.line + 1) for key, _ in node.value]
        yield path, keys
        for (key, _), (_, value) in zip(keys, node.value, strict=True):
            yield from _mappings(value, [*path, key])
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _mappings(value, [*path, str(index)])

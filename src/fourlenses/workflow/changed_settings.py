"""Settings of a study that have changed since its plan was recorded.

A change is another study: Snakemake makes again what depends on it, whatever files are there.

Standard library and YAML only.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fourlenses.config.placement import science_of

_SHOWN = 3  # keys that a sentence names


def changed_keys(config: dict, record: Path) -> list[str]:
    """Return the dotted keys in which a config differs from that of a study's record.

    Only those that decide what is computed. Empty too where there is no record.

    Args:
        config: completed.
        record: study.json.
    """
    try:
        before = json.loads(record.read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    now = json.loads(json.dumps(science_of(config)))
    return sorted(_differences(science_of(before), now, ""))


def in_words(keys: list[str]) -> str:
    """Return a sentence on changed keys, "" for none."""
    if not keys:
        return ""
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return (
        f"changed since the study was recorded: {', '.join(keys[:_SHOWN])}{more}; what depends on "
        "it is made again, and snakemake all -n lists that"
    )


def _differences(before: Any, now: Any, key: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            inner = f"{key}.{name}" if key else str(name)
            yield from _differences(before.get(name), now.get(name), inner)
    elif before != now:
        yield key

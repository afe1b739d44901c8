"""The sidecar of a beton: a JSON file next to it that says what the beton holds."""

from collections.abc import Mapping


def undecodable_of(sidecar: Mapping) -> list[dict[str, str]]:
    """Return the images that the beton lacks: ``id``, ``path`` and ``reason`` of each.

    Earlier versions called them ``quarantined``.
    """
    entries = sidecar.get("undecodable", sidecar.get("quarantined"))
    return entries if isinstance(entries, list) else []

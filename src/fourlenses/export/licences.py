"""The terms of use of a study's datasets. Light: the Snakefile imports it in every job."""

from collections.abc import Mapping
from typing import Any

from fourlenses.data.download.registry import table


def licences_of(datasets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the terms of datasets by name, where they are known.

    Args:
        datasets: the section of that name of a config. An entry's ``licence`` comes first, then
            what is known of published files.
    """
    published = table()
    known = {
        name: entry.get("licence") or published.get(entry["source"], {}).get("terms", "")
        for name, entry in datasets.items()
    }
    return {name: terms for name, terms in known.items() if terms}

"""Files of a dataset that were skipped when it was indexed: how many, why, an example.

They are counted in the manifest itself, so that its check can say what the index left out.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourlenses.core.errors import printable

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
_KEY = "skipped"


class Skipped:
    """A tally of skipped files by their reason."""

    def __init__(self) -> None:
        self.reasons: dict[str, dict[str, Any]] = {}

    def add(self, reason: str, name: str, *, image: bool) -> None:
        """Count a file.

        Args:
            reason: A few words that are the same for files of one kind.
            name: Its path.
            image: Whether it is an image, or was perhaps meant as one.
        """
        entry = self.reasons.setdefault(
            reason, {"files": 0, "images": 0, "example": printable(name)}
        )
        entry["files"] += 1
        entry["images"] += image

    def add_all(self, reason: str, names: Iterable[str], *, image: bool) -> None:
        for name in names:
            self.add(reason, name, image=image)

    def lines(self) -> list[str]:
        """Return a sentence for each reason, the most frequent first."""
        return [
            f"{entry['files']:,} files skipped: {reason}, e.g. '{entry['example']}'"
            for reason, entry in sorted(
                self.reasons.items(), key=lambda item: (-item[1]["files"], item[0])
            )
        ]


def with_skipped(manifest: "pd.DataFrame", skipped: Skipped, path: Path) -> "pd.DataFrame":
    """Log a tally and put it into the manifest, which Parquet keeps.

    Args:
        manifest: Of the dataset.
        skipped: The tally.
        path: Of the dataset's files, for the log.
    """
    for line in skipped.lines():
        log.info("%s: %s", path, line)
    if skipped.reasons:
        manifest.attrs[_KEY] = {**manifest.attrs.get(_KEY, {}), **skipped.reasons}
    return manifest


def skipped_of(manifest: Mapping) -> dict[str, dict[str, Any]]:
    """Return per reason the numbers of ``files`` and ``images`` and an ``example``."""
    return getattr(manifest, "attrs", {}).get(_KEY, {})

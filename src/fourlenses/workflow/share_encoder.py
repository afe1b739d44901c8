"""Runs of an imported encoder, one a seed, that share its weights.

Standard library only.
"""

import os
import shutil
from pathlib import Path

from fourlenses.core.files import atomic, read_json, write_json
from fourlenses.study.layout import ENCODER, RUN


def share(imported: Path, seed: int, output: Path) -> None:
    """Write a run: a link to the weights, or a copy where the disk has no links, and run.json.

    Args:
        imported: the directory of the imported encoder.
        seed: of the run; external weights have none, but the labels they are evaluated with do.
        output: the directory of the run.
    """
    record = read_json(imported / RUN)
    record["settings"]["seed"] = seed
    record["wall_time_seconds"] = 0.0  # it was imported once, for all seeds
    link_or_copy(imported / ENCODER, output / ENCODER)
    write_json(output / RUN, record)


def link_or_copy(weights: Path, to: Path) -> None:
    """Put a file there under another name: a link, or a copy where the disk has no links."""
    with atomic(to) as temporary:
        temporary.unlink()
        try:
            os.link(weights, temporary)
        except OSError:
            shutil.copyfile(weights, temporary)

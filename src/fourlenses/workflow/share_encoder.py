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
    with atomic(output / ENCODER) as temporary:
        temporary.unlink()
        try:
            os.link(imported / ENCODER, temporary)
        except OSError:
            shutil.copyfile(imported / ENCODER, temporary)
    write_json(output / RUN, record)

"""Runs of an imported encoder, one a seed, that have its weights.

Standard library only.
"""

import shutil
from pathlib import Path

from fourlenses.core.files import atomic, read_json, write_json
from fourlenses.study.layout import ENCODER, RUN


def share(imported: Path, seed: int, output: Path) -> None:
    """Write a run: a copy of the weights, and run.json.

    Args:
        imported: the directory of the imported encoder.
        seed: of the run; external weights have none, but the labels they are evaluated with do.
        output: the directory of the run.
    """
    record = read_json(imported / RUN)
    record["settings"]["seed"] = seed
    record["wall_time_seconds"] = 0.0  # it was imported once, for all seeds
    copy_weights(imported / ENCODER, output / ENCODER)
    write_json(output / RUN, record)


def copy_weights(weights: Path, to: Path) -> None:
    """Copy a file, whole or not at all.

    It takes the room of another one, but a link would not do: Snakemake sets the time of a job's
    outputs, and so that of all other names of the file, and whatever was made from them is out of
    date.
    """
    with atomic(to) as temporary:
        shutil.copyfile(weights, temporary)

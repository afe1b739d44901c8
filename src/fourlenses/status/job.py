"""A job of a study with its state."""

from dataclasses import dataclass
from pathlib import Path

STATES = ("done", "changed", "running", "stale", "failed", "waiting")
KINDS = ENCODERS, EVALUATIONS = ("encoders", "evaluations")


@dataclass(kw_only=True)
class Job:
    """An encoder to pretrain, or a file of evaluations; None: not known.

    Args:
        kind: one of `KINDS`.
        state: one of `STATES`. changed: done, and Snakemake would make it again; running: shows
            signs of life; stale: began, shows none, and its log ends in no error; failed: its log
            ends in an error; waiting: did not begin, or stopped by itself to be continued.
        output: the last file that it writes, from the folder with results/.
        note: a sentence on the state.
        step: in `unit`, of `total`.
        epoch: passes over the images, of `total_epochs`.
    """

    kind: str
    name: str
    lenses: set[str]
    log: Path
    output: str
    state: str = "waiting"
    note: str = ""
    step: int | None = None
    total: int | None = None
    unit: str = "steps"
    epoch: float | None = None
    total_epochs: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None

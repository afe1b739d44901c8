"""What metrics.csv says about the study as a whole: its size, its datasets, and the encoders in it."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import UserError, printable
from fourlenses.study import Run, parse_source
from fourlenses.study.vocabulary import FROM_SCRATCH, RANDOM_INIT

_SEED = re.compile("seed[0-9]+")
NEEDED = ("lens", "method", "source", "target", "protocol", "seed", "run")


@dataclass
class StudyTable:
    """rows: how many numbers. encoders: the runs that were pretrained. methods: of those, less the random one. datasets: evaluated on or
    pretrained on. Others: distinct values."""

    rows: int
    lenses: set[str]
    methods: list[str]
    targets: list[str]
    protocols: list[str]
    seeds: int
    encoders: set[str]
    datasets: set[str]


def read_study_table(metrics: Path) -> StudyTable:
    """
    Raises:
        UserError: the file has not the columns of a study's table, or no row.
    """
    with open(metrics, newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    lacking = [column for column in NEEDED if not rows or rows[0].get(column) is None]
    if lacking:
        problem = f"has no column '{lacking[0]}'" if rows else "has no row"
        raise UserError(
            f"{printable(str(metrics))} {problem}, so it is no study's table; make it with snakemake figures"
        )
    encoders = _encoders(rows)
    return StudyTable(
        rows=len(rows),
        lenses={lens for row in rows for lens in row["lens"].split(";") if lens},
        methods=sorted({name.split("/")[0] for name in encoders} - {RANDOM_INIT}),
        targets=sorted({row["target"] for row in rows}),
        protocols=sorted({row["protocol"] for row in rows}),
        seeds=len({row["seed"] for row in rows}),
        encoders=encoders,
        datasets={row["target"] for row in rows}
        | {dataset for name in encoders for dataset in _datasets(name.split("/")[1])},
    )


def _encoders(rows: list[dict[str, str]]) -> set[str]:
    """The runs whose features or weights the rows are about: those that stand side by side one by one, and none of a scratch network."""
    names = [row["run"].split("/") for row in rows if row["protocol"] not in FROM_SCRATCH]
    runs = {
        Run(name[0], name[1], int(name[2].removeprefix("seed")))
        for name in names
        if len(name) == 3 and _SEED.fullmatch(name[2])
    }
    return {encoder.name for run in runs for encoder in run.encoders}


def _datasets(source: str) -> list[str]:
    try:
        return [part.dataset for part in parse_source(source)]
    except UserError:  # a table made by other means may name its encoders as it likes
        return []

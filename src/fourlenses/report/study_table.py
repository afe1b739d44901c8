"""The study as a whole, from metrics.csv: its size, its datasets, and the encoders in it."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from fourlenses.core.errors import UserError, printable
from fourlenses.study import Run, methods, parse_source
from fourlenses.study.vocabulary import FROM_SCRATCH, RANDOM_INIT

_SEED = re.compile("seed[0-9]+")
NEEDED = ("lens", "method", "source", "target", "protocol", "seed", "run")


@dataclass(kw_only=True)
class StudyTable:
    """A study's table, summed up.

    Attributes:
        rows: how many numbers.
        lenses: distinct values, as targets, protocols and seeds.
        methods: labels of those of the encoders, without the random one.
        encoders: the runs that were pretrained.
        datasets: evaluated on or pretrained on.
        backbones: of the encoders.
        pixels: sides of the images they see, where the table has them.
        labels: numbers of labelled images.
        images: numbers of pretraining images, of single encoders.
    """

    rows: int
    lenses: set[str]
    methods: list[str]
    targets: list[str]
    protocols: list[str]
    seeds: int
    encoders: set[str]
    datasets: set[str]
    backbones: list[str]
    pixels: list[int]
    labels: list[int]
    images: list[int]


def read_study_table(metrics: Path) -> StudyTable:
    """Return what the table says about the study.

    Raises:
        UserError: the file has not the columns of a study's table, or no row.
    """
    with open(metrics, newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    lacking = [column for column in NEEDED if not rows or rows[0].get(column) is None]
    if lacking:
        problem = f"has no column '{lacking[0]}'" if rows else "has no row"
        raise UserError(
            f"{printable(str(metrics))} {problem}, so it is no study's table; "
            "make it with snakemake figures"
        )
    encoders = _encoders(rows)
    targets = {row["target"] for row in rows}
    sources = {dataset for name in encoders for dataset in _datasets(name.split("/")[1])}
    return StudyTable(
        rows=len(rows),
        lenses={lens for row in rows for lens in row["lens"].split(";") if lens},
        methods=_labels({name.split("/")[0] for name in encoders} - {RANDOM_INIT}),
        targets=sorted(targets),
        protocols=sorted({row["protocol"] for row in rows}),
        seeds=len({row["seed"] for row in rows}),
        encoders=encoders,
        datasets=targets | sources,
        backbones=sorted({row.get("backbone") or "" for row in rows} - {""}),
        pixels=_numbers(rows, "image_size"),
        labels=_numbers(rows, "labelled_images"),
        images=_numbers(
            [row for row in rows if row["protocol"] not in FROM_SCRATCH], "pretrain_images"
        ),
    )


def _labels(entries: set[str]) -> list[str]:
    """Of method entries, in the order of figures; one that is not known comes last as it is.

    Without those that the study made from another: half as long, equal steps.
    """
    made = {f"{entry}_{ending}" for entry in entries for ending in methods.DERIVED}
    known = methods.in_order(entry for entry in entries - made if methods.known(entry))
    return [*map(methods.label, known), *sorted(entries - made - {*known})]


def _numbers(rows: list[dict[str, str]], column: str) -> list[int]:
    """The distinct whole numbers above 0 of a column."""
    texts = {row.get(column) or "" for row in rows}
    return sorted({int(text) for text in texts if text.isascii() and text.isdigit()} - {0})


def _encoders(rows: list[dict[str, str]]) -> set[str]:
    """The runs whose features or weights the rows are about: of concatenated ones each, and none of
    a network trained from scratch."""
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

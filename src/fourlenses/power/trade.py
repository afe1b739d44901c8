"""Points lost against time saved: entries of `methods` that cost less, held against one of them.

Both sides are encoders of the same images, seeds and labels, so their difference is paired: by the
test images they are right on, and by the seeds. What an encoder costs is what was trained for it,
the encoders of fewer images that it continues included (`study.smaller`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.analysis.table import at_finest
from fourlenses.config.job_settings import without_views
from fourlenses.core.errors import UserError, one_of
from fourlenses.core.files import read_json, write_csv
from fourlenses.planning.views import relative_cost
from fourlenses.study import Run
from fourlenses.study.layout import RUN
from fourlenses.study.vocabulary import METHODS, method_of

CLOCKS = {"cpu": "cpu_seconds", "wall": "wall_time_seconds"}  # of a run.json
CELL = ["source", "target", "level", "labelled_images", "protocol"]
ALL = "all"  # images of the rows that average over an entry's cells
ALIKE, WORSE, BETTER, OPEN = "alike", "worse", "better", "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What some encoders cost, over all their seeds.

    Attributes:
        images: through the encoder, counted as whole source images: small views by their area.
        seconds: of the clock; None where a record does not have it.
    """

    images: float
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Trade:
    """An entry against the reference in one cell, or over all its cells.

    Attributes:
        entry: of `methods`.
        target: the dataset evaluated on.
        source: of the encoders; `ALL` for the mean over the cells of a protocol.
        points: top-1 minus the reference's.
        low, high: its 95 % interval.
        seeds: that both have.
        answer: `ALIKE` where the whole interval is within the margin, else what it excludes.
        steps, reference_steps: updates behind the encoder, smaller ones' included.
        counted, measured: the reference's cost over the entry's, by images and by the clock; of all
            encoders in the rows of the entry and target.
    """

    entry: str
    target: str
    source: str
    labelled_images: int
    protocol: str
    points: float
    low: float
    high: float
    seeds: int
    answer: str
    steps: int | None
    reference_steps: int | None
    counted: float
    measured: float | None


def trades(
    evidence: Evidence, pretrain: Path, *, reference: str, margin: float, clock: str = "cpu"
) -> list[Trade]:
    """Return every entry of the reference's method against it, wherever both have an encoder of the
    same source and seeds on the same target.

    Args:
        evidence: of a study.
        pretrain: its folder of run.json files.
        reference: an entry of `methods`.
        margin: points within which two sides are alike.
        clock: one of `CLOCKS`.

    Raises:
        UserError: no encoder is of the reference, or none is comparable with it.
    """
    rows = at_finest(evidence.metrics)
    rows = rows[rows["source"].ne("none")]
    entries = list(dict.fromkeys(rows["method"]))
    if reference not in entries:
        raise UserError(one_of("entry with encoders in the table", reference, entries))
    entries = [entry for entry in entries if method_of(entry) == method_of(reference)]
    of_reference = dict(list(rows[rows["method"] == reference].groupby(CELL)))
    found: list[Trade] = []
    for entry in entries:
        if entry == reference:
            continue
        cells = dict(list(rows[rows["method"] == entry].groupby(CELL)))
        shared = [(cells[key], of_reference[key]) for key in cells if key in of_reference]
        for target in dict.fromkeys(ours["target"].iloc[0] for ours, _ in shared):
            pairs = [(a, b) for a, b in shared if a["target"].iloc[0] == target]
            costs = [_cost(pretrain, side, clock) for side in zip(*pairs, strict=True)]
            found += _of_target(evidence, pairs, costs, margin=margin)
        found += _means(evidence, shared, pretrain, margin=margin, clock=clock)
    if not found:
        raise UserError(
            f"no other entry has an encoder of the images, seeds and labels of '{reference}'; name "
            "another entry by --reference, or give the study one"
        )
    return found


def _of_target(
    evidence: Evidence, pairs: list[tuple], costs: Sequence[Cost], *, margin: float
) -> list[Trade]:
    return [
        _trade(evidence.difference(ours, theirs), [ours, theirs], costs, margin=margin)
        for ours, theirs in pairs
    ]


def _means(
    evidence: Evidence, shared: list[tuple], pretrain: Path, *, margin: float, clock: str
) -> list[Trade]:
    """The mean over the cells of each protocol, where there are several."""
    means = []
    for protocol in dict.fromkeys(ours["protocol"].iloc[0] for ours, _ in shared):
        pairs = [(a, b) for a, b in shared if a["protocol"].iloc[0] == protocol]
        if len(pairs) < 2:
            continue
        costs = [_cost(pretrain, side, clock) for side in zip(*pairs, strict=True)]
        mean = evidence.weighted([(1 / len(pairs), ours, theirs) for ours, theirs in pairs])
        trade = _trade(mean, list(pairs[0]), costs, margin=margin)
        values = asdict(trade) | {"source": ALL, "target": ALL}
        means.append(Trade(**values | {"steps": None, "reference_steps": None}))
    return means


def _trade(
    contrast: Contrast, sides: Sequence[pd.DataFrame], costs: Sequence[Cost], *, margin: float
) -> Trade:
    ours, theirs = (side.iloc[0] for side in sides)
    cost, reference = costs
    return Trade(
        entry=ours["method"],
        target=ours["target"],
        source=ours["source"],
        labelled_images=int(ours["labelled_images"]),
        protocol=ours["protocol"],
        points=contrast.estimate,
        low=contrast.low,
        high=contrast.high,
        seeds=contrast.seeds,
        answer=_answer(contrast, margin),
        steps=_steps(ours),
        reference_steps=_steps(theirs),
        counted=reference.images / cost.images,
        measured=reference.seconds / cost.seconds if reference.seconds and cost.seconds else None,
    )


def _answer(contrast: Contrast, margin: float) -> str:
    if -margin < contrast.low and contrast.high < margin:
        return ALIKE
    return WORSE if contrast.high < 0 else BETTER if contrast.low > 0 else OPEN


def _steps(row: pd.Series) -> int | None:
    steps = pd.to_numeric(row.get("steps"), errors="coerce")
    return None if pd.isna(steps) else int(steps)


def _cost(pretrain: Path, sides: Iterable[pd.DataFrame], clock: str) -> Cost:
    """What the encoders of some cells cost, each once, and those that they continue."""
    records: dict[str, dict[str, Any]] = {}
    for side in sides:
        for name in side["run"]:
            _with_smaller(pretrain, name, records)
    seconds = [
        record[CLOCKS[clock]] * record["effective"].get("processes", 1)
        for record in records.values()
        if CLOCKS[clock] in record
    ]
    return Cost(
        images=sum(map(_images, records.values())),
        seconds=sum(seconds) if len(seconds) == len(records) else None,
    )


def _with_smaller(pretrain: Path, name: str, records: dict[str, dict[str, Any]]) -> None:
    if name in records:
        return
    file = pretrain / name / RUN
    try:
        records[name] = record = read_json(file)
    except FileNotFoundError as error:
        raise UserError(
            f"{file} is missing, which says what the encoder cost; run snakemake pretrain_all"
        ) from error
    if smaller := record["settings"].get("smaller"):
        settings = record["settings"]
        run = Run(settings["method"], smaller["source"], settings["seed"])
        _with_smaller(pretrain, run.name, records)


def _images(record: dict[str, Any]) -> float:
    settings, effective = record["settings"], record["effective"]
    entry = without_views(settings["hyperparameters"])
    area = relative_cost(entry, settings["recipes"], settings["image_size"])
    views = METHODS[entry["method"]].views
    return effective["total_steps"] * effective["batch_size"] * area * views


def text(found: Sequence[Trade], reference: str, *, margin: float) -> str:
    """Return the trades as Markdown."""
    lines = [
        f"Points of top-1 minus those of `{reference}`, 95 % intervals over test images and seeds; "
        f"alike: the whole interval is within {margin:g}. Saved: times as cheap, by counted images "
        "and by the clock.",
        "",
        "| entry | target | encoders | protocol | steps | points | answer | counted | clock |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for trade in found:
        steps = "" if trade.steps is None else f"{trade.steps} of {trade.reference_steps}"
        clock = "–" if trade.measured is None else f"{trade.measured:.2f}×"
        lines.append(
            f"| {trade.entry} | {trade.target} | {trade.source} | {trade.protocol} | {steps} "
            f"| {trade.points:+.1f} ({trade.low:+.1f} to {trade.high:+.1f}) | {trade.answer} "
            f"| {trade.counted:.2f}× | {clock} |"
        )
    return "\n".join(lines)


def write(found: Sequence[Trade], output: Path) -> None:
    """Write a row for each trade."""
    columns = [field.name for field in fields(Trade)]
    rows = [["" if value is None else value for value in asdict(trade).values()] for trade in found]
    write_csv(output, columns, rows)

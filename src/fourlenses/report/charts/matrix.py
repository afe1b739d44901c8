"""The matrix of the domain lens: what was pretrained on by what is evaluated on.

A cell has the accuracy and how far it is from pretraining on as many images of the target's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.analysis.former_tables import lenses_in
from fourlenses.findings import selection
from fourlenses.report.charts.series import key_of
from fourlenses.study import methods, names
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import EXTERNAL, OPTIONS, RANDOM_INIT

LENS = "domain"
BLOCKS = {
    "single": "one dataset",
    "pooled": "pooled datasets",
    "concatenated": "concatenated features",
    "reference": "for comparison",
}
STEPS = (1.0, 4.0, 10.0)  # points from which on a colour is stronger


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of the matrix.

    Args:
        key: as of `Series`.
        top1: percent.
        own: whether it was pretrained on the target alone.
        points: minus pretraining on the target's own images; None where there is none.
        open: the interval of ``points`` includes 0.
        tone: class of its colour: worse1 to worse3, better1 to better3, level or none.
        words: for who points at it or cannot see it.
    """

    key: str
    top1: float
    own: bool
    points: float | None
    open: bool
    tone: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the matrix; of each target its cell, or None."""

    block: str
    label: str
    cells: list[Cell | None]


def matrix(evidence: Evidence) -> tuple[list[str], list[Row]] | None:
    """Return the targets and the rows, block by block; None where the study has no such lens."""
    rows = table.at_finest(evidence.metrics)
    rows = rows[rows["lens"].map(lambda text: LENS in lenses_in(text)).astype(bool)]
    rows = selection.linear(selection.clean(rows))
    if rows.empty:
        return None
    rows = table.at_most_labels(rows)
    targets = sorted(rows["target"].unique())
    own = {target: _own(rows[rows["target"] == target]) for target in targets}
    found = []
    for (method, source), cells in rows.groupby(["method", "source"], sort=False):
        label = _label(str(method), str(source), rows)
        of_target = {str(target): part for target, part in cells.groupby("target")}
        found.append(
            Row(
                block=_block(str(method), str(source)),
                label=label,
                cells=[
                    _cell(label, of_target[target], own[target], evidence=evidence)
                    if target in of_target
                    else None
                    for target in targets
                ],
            )
        )
    order = list(BLOCKS)
    return targets, sorted(found, key=lambda row: order.index(row.block))


def _own(rows: pd.DataFrame) -> pd.DataFrame | None:
    """The cell that the others of a target are compared with: of the most images of its own."""
    rows = rows[rows["method"].map(methods.is_contrastive).astype(bool)]
    own = rows[list(map(names.is_in_domain, rows["source"], rows["target"]))]
    if own.empty:
        return None
    most = own[own["pretrain_images"] == own["pretrain_images"].max()]
    first = most.iloc[0]
    return most[(most["method"] == first["method"]) & (most["source"] == first["source"])]


def _block(method: str, source: str) -> str:
    if not methods.is_contrastive(method):
        return "reference"
    if names.is_concatenated(source):
        return "concatenated"
    return "pooled" if len(names.datasets(source)) > 1 else "single"


def _label(method: str, source: str, rows: pd.DataFrame) -> str:
    if method == RANDOM_INIT:
        return OPTIONS["untrained"][0]
    several = len({name for name in rows["method"] if methods.is_contrastive(name)}) > 1
    shown = names.source(source)
    if method == EXTERNAL:
        return f"{shown} (downloaded)"
    named = several or not methods.is_contrastive(method) or bool(split_start(source)[1])
    return f"{shown} ({methods.label(method)})" if named else shown


def _cell(label: str, rows: pd.DataFrame, own: pd.DataFrame | None, *, evidence: Evidence) -> Cell:
    first = rows.iloc[0]
    mean = evidence.mean(rows)
    is_own = methods.is_contrastive(first["method"]) and names.is_in_domain(
        first["source"], first["target"]
    )
    same = own is not None and own.index.equals(rows.index)
    compared = own is not None and not same and selection.share_seeds(rows, own)
    contrast = evidence.difference(rows, own) if compared and own is not None else None
    undecided = contrast is not None and contrast.low <= 0 <= contrast.high
    return Cell(
        key=key_of(first["method"], first["source"], first["protocol"]),
        top1=mean.estimate,
        own=is_own,
        points=contrast.estimate if contrast else None,
        open=undecided,
        tone=_tone(contrast, undecided),
        words=" ".join(_words(label, names.dataset(first["target"]), mean=mean, contrast=contrast)),
    )


def _tone(contrast: Contrast | None, undecided: bool) -> str:
    if contrast is None:
        return "none"
    if undecided:
        return "level"
    strength = sum(abs(contrast.estimate) >= step for step in STEPS) or 1
    return f"{'better' if contrast.estimate > 0 else 'worse'}{strength}"


def _words(label: str, target: str, *, mean: Contrast, contrast: Contrast | None) -> Iterator[str]:
    ends = f"({mean.low:.1f} to {mean.high:.1f})"
    yield f"{label}, evaluated on {target}: {mean.estimate:.1f} % {ends}."
    if contrast:
        ends = f"({contrast.low:+.1f} to {contrast.high:+.1f})"
        yield f"{contrast.estimate:+.1f} points {ends} against images of its own."

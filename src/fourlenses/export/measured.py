"""What a study says of one encoder: its accuracies, the findings it counts in, the answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from fourlenses.analysis.table import at_finest, read_metrics
from fourlenses.core.files import read_json
from fourlenses.study.vocabulary import RANDOM_INIT

CELL = ["target", "level", "labelled_images", "label_draw", "protocol"]  # a question on an encoder


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a study says of an encoder.

    Attributes:
        study: its name.
        rows: of metrics.csv, the encoder's at the finest level of each target, with a column
            ``untrained``: top-1 of the untrained encoder on the same cell and seed, percent; nan
            where there is none.
        findings: the claims that the encoder counts in, as findings.json has them.
        decisions: the cards of its targets, as decision.json has them.
    """

    study: str
    rows: pd.DataFrame
    findings: list[Mapping[str, Any]]
    decisions: list[Mapping[str, Any]]

    @classmethod
    def read(cls, run: str, *, metrics: Path, findings: Path, decision: Path) -> Self:
        """Return what the files of a study say of the encoder.

        Args:
            run: its name, <method>/<source>/seed<k>.
            metrics, findings, decision: metrics.csv, findings.json and decision.json.
        """
        table = at_finest(read_metrics(metrics))
        rows = _with_untrained(table[table["run"] == run], table)
        targets = set(rows["target"])
        return cls(
            study=str(table["study"].iloc[0]),
            rows=rows,
            findings=[found for found in read_json(findings) if _counts_in(run, found)],
            decisions=[card for card in read_json(decision) if card["target"] in targets],
        )


def _with_untrained(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``untrained`` to the rows of an encoder."""
    keys = [*CELL, "seed", "backbone", "image_size"]
    untrained = table.loc[table["method"] == RANDOM_INIT, [*keys, "top1"]]
    untrained = untrained.rename(columns={"top1": "untrained"}).drop_duplicates(keys)
    return rows.merge(untrained, on=keys, how="left")


def _counts_in(run: str, finding: Mapping[str, Any]) -> bool:
    """Return whether one of the finding's comparisons has a cell of the encoder."""
    return any(
        cell.startswith(f"{run}:")
        for comparison in finding["evidence"]
        for cell in comparison["cells"]
    )

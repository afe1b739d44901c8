"""Two runs of one study: which numbers differ, by how much, and how that compares with other seeds.

The same config gives the same numbers on one kind of machine. On another, sums are rounded in
another order and training amplifies the last bits: an encoder is then as good as one of another
seed, or nearly so. Of a number that the runs give as a and b, (a - b)^2 / 2 estimates the variance
between machines, as the square of the difference of two draws does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import pandas as pd

from fourlenses.analysis import seed_variance, table
from fourlenses.core.errors import UserError
from fourlenses.core.files import write_csv

IDENTITY = list(table.IDENTITY)
COLUMNS = (*IDENTITY, "top1_a", "top1_b", "difference", "in")
SAME = 5e-5  # points: both tables have four decimals


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The rows of one method entry under one protocol that both runs have.

    Attributes:
        name: method and protocol.
        rows: how many.
        differ: how many of them differ.
        largest: difference, points.
        between_runs: standard deviation of a number between the runs, points.
        between_seeds: of a number between the seeds of run a, points; None with one seed.
    """

    name: str
    rows: int
    differ: int
    largest: float
    between_runs: float
    between_seeds: float | None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two runs, row by row.

    Attributes:
        rows: `COLUMNS`; `in` says which run has the row: both, a or b.
        kinds: the rows of both, by kind, last all together.
    """

    rows: pd.DataFrame
    kinds: list[Kind]

    @property
    def alike(self) -> bool:
        """Whether both have the same rows with the same numbers."""
        return bool((self.rows["in"] == "both").all()) and not self.kinds[-1].differ


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Compared:
    """Return what differs between two tables.

    Args:
        first: run a, of `table.read_metrics`.
        second: run b.

    Raises:
        UserError: they have no row in common.
    """
    sides = [run[[*IDENTITY, "top1"]] for run in (first, second)]
    rows = sides[0].merge(
        sides[1], on=IDENTITY, how="outer", suffixes=("_a", "_b"), indicator="in", sort=False
    )
    named = {"left_only": "a", "right_only": "b", "both": "both"}
    rows["in"] = rows["in"].astype(str).map(named)
    rows["difference"] = rows["top1_a"] - rows["top1_b"]
    both = rows[rows["in"] == "both"]
    if both.empty:
        a, b = (table.where(run) for run in (first, second))
        raise UserError(
            f"{a} and {b} have no number in common, so they are of different studies; name two "
            "runs of one"
        )
    spread = seed_variance.pooled(first, 0.0)
    kinds = [
        _kind(f"{method} {protocol}", group, _sd(spread, (method, protocol)))
        for (method, protocol), group in both.groupby(["method", "protocol"], sort=True)
    ]
    everything = _kind("all", both, None if spread.is_prior else spread.sd)
    return Compared(rows=rows[list(COLUMNS)], kinds=[*kinds, everything])


def _kind(name: str, rows: pd.DataFrame, between_seeds: float | None) -> Kind:
    difference = rows["difference"].abs()
    return Kind(
        name=name,
        rows=len(rows),
        differ=int((difference > SAME).sum()),
        largest=float(difference.max()),
        between_runs=sqrt(float((difference**2).mean()) / 2),
        between_seeds=between_seeds,
    )


def _sd(spread: seed_variance.SeedVariance, kind: seed_variance.Kind) -> float | None:
    return None if spread.is_prior else sqrt(spread.of(kind).variance)


def text(compared: Compared, names: Sequence[str]) -> str:
    """Return the comparison for people.

    Args:
        names: of run a and run b.
    """
    of = compared.rows["in"].value_counts()
    lines = [
        f"a: {names[0]}",
        f"b: {names[1]}",
        f"{of.get('both', 0)} numbers in both, {of.get('a', 0)} in a alone, {of.get('b', 0)} in b "
        "alone.",
        "",
        "| kind | rows | differ | largest | SD between runs | SD between seeds |",
        "|---|---|---|---|---|---|",
    ]
    for kind in compared.kinds:
        seeds = "–" if kind.between_seeds is None else f"{kind.between_seeds:.2f}"
        lines.append(
            f"| {kind.name} | {kind.rows} | {kind.differ} | {kind.largest:.2f} "
            f"| {kind.between_runs:.2f} | {seeds} |"
        )
    lines += ["", _in_words(compared)]
    return "\n".join(lines)


def _in_words(compared: Compared) -> str:
    everything = compared.kinds[-1]
    if compared.alike:
        return "The same numbers in every row."
    if not everything.differ:
        return "The same numbers in every row that both have."
    return (
        f"{everything.differ} of {everything.rows} numbers differ, by {everything.largest:.2f} "
        "points at most. Points of top-1; SD between runs: root mean square of the differences "
        "over the root of 2."
    )


def write(compared: Compared, output: Path) -> None:
    """Write a row for each number, those that differ most first."""
    rows = compared.rows.sort_values("difference", key=abs, ascending=False, kind="stable")
    cells = rows.astype(object).where(rows.notna(), "").to_numpy().tolist()
    write_csv(output, COLUMNS, cells)

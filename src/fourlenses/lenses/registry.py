"""The modules of the lenses by name, imported when they are asked for.

`study.vocabulary` has the names; where a module lies follows from its name, so that a lens is added
by its folder and its record. tests/lenses/test_registry.py holds both sides to each other.
"""

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import where
from fourlenses.core.errors import UserError
from fourlenses.findings.decision import LensCard
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.captions import place_of
from fourlenses.study.vocabulary import FIGURES

if TYPE_CHECKING:  # findings are made without matplotlib
    from matplotlib.figure import Figure


class FigureModule(Protocol):
    """The contract of a figure, `lenses/<lens>/figure.py` or another module of the folder."""

    def draw(self, evidence: Evidence, **options: object) -> "tuple[Figure | None, pd.DataFrame]":
        """Return the figure and the numbers drawn in it, no more, no fewer; no figure where the
        table has nothing for it.

        Args:
            evidence: the study's table with all that is known of its uncertainty.
            options: by keyword each of its `thresholds`, and `table` where its record has one.
        """


class FindingModule(Protocol):
    """The contract of `lenses/<lens>/finding.py`."""

    def evaluate(self, evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
        """Return a finding per claim, whether or not the study has the lens."""


def figure_named(name: str) -> FigureModule:
    """Return the module of a figure.

    Raises:
        UserError: there is none; it lists those known.
    """
    if name not in FIGURES:
        raise UserError(
            f"there is no figure {name!r}; known are {', '.join(FIGURES)}, so name one of those"
        )
    folder, file = place_of(name)
    return cast(FigureModule, import_module(f"fourlenses.lenses.{folder}.{file}"))


def draw(
    name: str, evidence: Evidence, *, thresholds: Thresholds, table: Path | None = None
) -> "tuple[Figure | None, pd.DataFrame]":
    """Draw a figure with what its record asks for, of what the look lets through.

    Args:
        name: of the figure.
        evidence: the study's table.
        thresholds: the config's `findings`.
        table: the file of the other table that some figures need.

    Raises:
        UserError: there is no such figure, or the table does not have what it needs.
    """
    module = figure_named(name)
    options = {key: getattr(thresholds, key) for key in FIGURES[name].thresholds}
    if FIGURES[name].table:
        options["table"] = module.read_table(table)  # type: ignore[attr-defined] # of these alone
    return module.draw(_only(evidence), **options)


def _only(evidence: Evidence) -> Evidence:
    """Return the evidence with the rows alone that `figures.only` names; the variance over seeds
    stays that of the whole study.

    Raises:
        UserError: a column or a value is not in the table.
    """
    from fourlenses.plotting import look  # findings are made without matplotlib

    rows = evidence.metrics
    for column, values in look.current().only.items():
        known = sorted(rows[column].unique()) if column in rows else []
        wrong = [value for value in values if value not in known]
        if wrong or not values:
            what = (
                f"figures.only.{column} names {wrong[0]!r}"
                if wrong
                else f"figures.only.{column} is empty"
            )
            listed = ", ".join(map(str, known)) or f"no column {column}"
            raise UserError(
                f"{what}; {where(evidence.metrics)} has {listed}, so name some of those"
            )
        rows = rows[rows[column].isin(values)]
    return replace(evidence, metrics=rows)


def finding_of(lens: str) -> FindingModule:
    """Return the module of a lens that judges its claims."""
    return cast(FindingModule, import_module(f"fourlenses.lenses.{lens}.finding"))


def card_of(lens: str) -> LensCard | None:
    """Return the module of a lens that answers questions of the decision card, if it has one."""
    name = f"fourlenses.lenses.{lens}.card"
    return cast(LensCard, import_module(name)) if find_spec(name) else None

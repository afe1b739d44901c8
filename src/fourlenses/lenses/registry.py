"""The modules of the lenses by name, imported when they are asked for.

`study.vocabulary` has the names; where a module lies follows from its name, so that a lens is added
by its folder and its record. tests/lenses/test_registry.py holds both sides to each other.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings.decision import LensCard
from fourlenses.findings.finding import Finding
from fourlenses.findings.thresholds import Thresholds
from fourlenses.study.vocabulary import FIGURES

if TYPE_CHECKING:  # findings are made without matplotlib
    from matplotlib.figure import Figure


class FigureModule(Protocol):
    """The contract of a figure, `lenses/<lens>/figure.py` or another module of the folder."""

    def draw(self, evidence: Evidence, **options: object) -> "tuple[Figure, pd.DataFrame]":
        """Return the figure and the numbers drawn in it, no more, no fewer.

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
    lens, _, second = name.partition("_")
    return cast(FigureModule, import_module(f"fourlenses.lenses.{lens}.{second or 'figure'}"))


def draw(
    name: str, evidence: Evidence, *, thresholds: Thresholds, table: Path | None = None
) -> "tuple[Figure, pd.DataFrame]":
    """Draw a figure with what its record asks for.

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
    return module.draw(evidence, **options)


def finding_of(lens: str) -> FindingModule:
    """Return the module of a lens that judges its claims."""
    return cast(FindingModule, import_module(f"fourlenses.lenses.{lens}.finding"))


def card_of(lens: str) -> LensCard | None:
    """Return the module of a lens that answers questions of the decision card, if it has one."""
    name = f"fourlenses.lenses.{lens}.card"
    return cast(LensCard, import_module(name)) if find_spec(name) else None

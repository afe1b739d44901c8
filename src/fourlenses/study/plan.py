"""The cells of a study, with the lenses that show them: `fourlenses.lenses.plan` makes them from a config.

Standard library only: the Snakefile imports this module, and it is parsed again in every job.
"""

import re
from dataclasses import dataclass, field

from fourlenses.core.errors import UserError
from fourlenses.study.encoders import ALL, Run
from fourlenses.study.layout import feature_record, training_record
from fourlenses.study.vocabulary import (
    FEATURE_PROTOCOLS,
    FROM_SCRATCH,
    LENSES,
    TRAINING_PROTOCOLS,
)


@dataclass(frozen=True, order=True)
class Subset:
    """Some of a dataset's training images: how many, of which of several draws, and whether of each class as many as can be."""

    images: str
    balanced: bool = False
    draw: int = 0

    _NAME = re.compile(r"(?P<images>[0-9]+|all)(?P<balanced>_balanced)?(_draw(?P<draw>[0-9]+))?")

    @classmethod
    def parse(cls, name: str) -> "Subset":
        """
        Raises:
            UserError: the name is not of the form ``1000``, ``all``, ``1000_balanced``, ``1000_draw2`` or ``1000_balanced_draw2``.
        """
        match = cls._NAME.fullmatch(name)
        if not match:
            raise UserError(
                f"'{name}' is no subset: a number or 'all', with _balanced or _draw<k> behind it"
            )
        return cls(match["images"], bool(match["balanced"]), int(match["draw"] or 0))

    def __str__(self) -> str:
        return (
            self.images
            + ("_balanced" if self.balanced else "")
            + (f"_draw{self.draw}" if self.draw else "")
        )


@dataclass(frozen=True, order=True)
class Cell:
    """One number to measure: an encoder on a target dataset with a subset of its labels under a protocol.

    Under a baseline the run says what is trained, supervised on as many images; there is no such encoder.
    """

    run: Run
    target: str
    labelled: str
    protocol: str

    @property
    def record(self) -> str:
        """The file, below evaluate/, in which the number is looked for."""
        if self.protocol in TRAINING_PROTOCOLS:
            return training_record(
                self.run.name, self.protocol, target=self.target, labels=self.labelled
            )
        return feature_record(self.run.name)


@dataclass
class Plan:
    """Every cell of a study with the lenses that look at it. Runs shared by several lenses occur once."""

    cells: dict[Cell, set[str]] = field(default_factory=dict)
    # Kept by run: every job of a study asks for its own, and to look through all cells each time would take longer than Snakemake does.
    _on_features: dict[Run, list[Cell]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for cell in self.cells:
            self._keep(cell)

    def add(self, lens: str, cell: Cell) -> None:
        if cell not in self.cells:
            self._keep(cell)
        self.cells.setdefault(cell, set()).add(lens)

    def _keep(self, cell: Cell) -> None:
        if cell.protocol in FEATURE_PROTOCOLS:
            self._on_features.setdefault(cell.run, []).append(cell)

    @property
    def runs(self) -> list[Run]:
        """The encoders to be pretrained."""
        used = {cell.run for cell in self.cells if cell.protocol not in FROM_SCRATCH}
        return sorted({encoder for run in used for encoder in run.encoders})

    @property
    def records(self) -> list[str]:
        return sorted({cell.record for cell in self.cells})

    def cells_of(self, run: Run) -> list[Cell]:
        """What is evaluated on the run's features."""
        return sorted(self._on_features.get(run, ()), key=_cell_order)

    def as_json(self) -> list[dict]:
        """The cells as plain values, in a stable order, for results/<study>/study.json."""
        return [
            {
                "run": cell.run.name,
                "target": cell.target,
                "labelled": cell.labelled,
                "protocol": cell.protocol,
                "record": cell.record,
                "lenses": [lens for lens in LENSES if lens in lenses],
            }
            for cell, lenses in sorted(
                self.cells.items(), key=lambda item: (item[0].run, _cell_order(item[0]))
            )
        ]


def _cell_order(cell: Cell) -> tuple:
    subset = Subset.parse(cell.labelled)
    return (
        cell.target,
        cell.protocol,
        float("inf") if subset.images == ALL else int(subset.images),
        subset,
    )

"""The cells of a study, with the lenses that show them; `lenses.plan` makes them from a config.

Standard library only: the Snakefile imports it, and is parsed again in every job.
"""

import re
from dataclasses import KW_ONLY, dataclass, field

from fourlenses.core.errors import UserError
from fourlenses.study.encoders import ALL, PER_CLASS, Run
from fourlenses.study.layout import feature_record, training_record
from fourlenses.study.vocabulary import (
    FEATURE_PROTOCOLS,
    FROM_SCRATCH,
    LENSES,
    TRAINING_PROTOCOLS,
)


@dataclass(frozen=True, order=True)
class Subset:
    """A subset of a dataset's training images.

    Args:
        images: how many, or `all`; where drawn per class, how many of each class.
        balanced: of each class as many as can be.
        draw: which of several draws, from 0.
        per_class: the same number of each class; classes with fewer give all they have.
    """

    images: str
    balanced: bool = False
    draw: int = 0
    _: KW_ONLY
    per_class: bool = False

    _NAME = re.compile(
        r"(?P<images>[0-9]+|all)(?:(?P<balanced>_balanced)|(?P<per_class>_per_class))?"
        r"(_draw(?P<draw>[0-9]+))?"
    )

    @classmethod
    def parse(cls, name: str) -> "Subset":
        """Return the subset of a name.

        Raises:
            UserError: the name is not of the form `1000`, `all`, `1000_balanced` or `5_per_class`,
                with `_draw2` behind it or without.
        """
        match = cls._NAME.fullmatch(name)
        if not match or (match["per_class"] and match["images"] == ALL):
            raise UserError(
                f"'{name}' is no subset: a number or 'all', with _balanced or _draw<k> behind it, "
                "or <k>_per_class"
            )
        balanced, draw = bool(match["balanced"]), int(match["draw"] or 0)
        return cls(match["images"], balanced, draw, per_class=bool(match["per_class"]))

    @property
    def size(self) -> str:
        """How many images, without which draw of them: `1000`, `all`, `5_per_class`."""
        return f"{self.images}{PER_CLASS}" if self.per_class else self.images

    @property
    def labels_per_class(self) -> int | None:
        """None where they were not drawn so."""
        return int(self.images) if self.per_class else None

    def __str__(self) -> str:
        balanced = "_balanced" if self.balanced else ""
        return f"{self.size}{balanced}" + (f"_draw{self.draw}" if self.draw else "")


@dataclass(frozen=True, order=True, kw_only=True)
class Cell:
    """A number to measure: an encoder on a target with a subset of its labels, under a protocol.

    Args:
        run: under a protocol from scratch what is trained instead, supervised on as many images.
        target: a dataset.
        labelled: name of a subset.
        protocol: a name of the vocabulary.
    """

    run: Run
    target: str
    labelled: str
    protocol: str

    @property
    def record(self) -> str:
        """The file below evaluate/ that holds the number."""
        if self.protocol in TRAINING_PROTOCOLS:
            return training_record(
                self.run.name, self.protocol, target=self.target, labels=self.labelled
            )
        return feature_record(self.run.name)


@dataclass
class Plan:
    """The cells of a study, each once, with the lenses that show it."""

    cells: dict[Cell, set[str]] = field(default_factory=dict)
    # By run: every job of a study asks for its own, and a search through all cells each time would
    # take longer than Snakemake does.
    _on_features: dict[Run, list[Cell]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for cell in self.cells:
            self._index(cell)

    def add(self, lens: str, cell: Cell) -> None:
        if cell not in self.cells:
            self._index(cell)
        self.cells.setdefault(cell, set()).add(lens)

    def _index(self, cell: Cell) -> None:
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
        """Return what is evaluated on the run's features."""
        return sorted(self._on_features.get(run, ()), key=_cell_order)

    def as_json(self) -> list[dict]:
        """Return the cells as plain values, in a stable order, for study.json."""
        return [
            {
                "run": cell.run.name,
                "target": cell.target,
                "labelled": cell.labelled,
                "protocol": cell.protocol,
                "record": cell.record,
                "lenses": [lens for lens in LENSES if lens in self.cells[cell]],
            }
            for cell in sorted(self.cells, key=lambda cell: (cell.run, _cell_order(cell)))
        ]


def _cell_order(cell: Cell) -> tuple:
    subset = Subset.parse(cell.labelled)
    size = float("inf") if subset.images == ALL else int(subset.images)
    return cell.target, cell.protocol, subset.per_class, size, subset

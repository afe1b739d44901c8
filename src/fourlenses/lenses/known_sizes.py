"""Sizes that a study asks for above those of its datasets, as far as these are known.

How many images a dataset has is known once it is converted. From then on the plan leaves out what
asks for more, with a note in each dry run, so that nothing else of the study waits for it.

Standard library only: the Snakefile imports it, and is read again in every job.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fourlenses.config.encoders import layout_of
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Cell, Plan, Subset, parse_source
from fourlenses.workflow.needs import starting_run


@dataclass(frozen=True, kw_only=True)
class Known:
    """A plan without what is known to be impossible.

    Attributes:
        plan: what can be measured.
        whole: all that was asked for.
        notes: a sentence for each size that was left out.
    """

    plan: Plan
    whole: Plan
    notes: list[str]


def possible_plan(config: dict, root: Path = Path()) -> Known:
    """Return the plan of a completed config, without sizes above those of converted datasets.

    Args:
        config: of the study.
        root: the folder of data/.

    Raises:
        UserError: see `make_plan`.
    """
    whole, plan = make_plan(config), Plan()
    too_large: dict[tuple[str, int], int] = {}
    images = cache(lambda file: _train_images(root / file))
    for cell, lenses in whole.cells.items():
        over = _too_large(config, cell, images)
        too_large |= over
        for lens in lenses if not over else ():
            plan.add(lens, cell)
    notes = [
        f"left out: {size} images of '{dataset}', which has {known:,} usable training images; "
        "lower pretrain_images, labelled_images or pool_images to be rid of this note"
        for (dataset, size), known in sorted(too_large.items())
    ]
    return Known(plan=plan, whole=whole, notes=notes)


def _too_large(
    config: dict, cell: Cell, images: Callable[[str], int | None]
) -> dict[tuple[str, int], int]:
    """Return the sizes of a cell that are too large: dataset and size, and how many there are."""
    asked = []
    for encoder in starting_run(cell.run, cell.protocol).encoders:
        files = layout_of(config, encoder)
        labels = Subset.parse(cell.labelled)
        if not labels.per_class:
            asked.append((files.sidecar(cell.target), cell.target, labels.images))
        asked += [
            (files.sidecar(part.dataset), part.dataset, part.images)
            for part in parse_source(encoder.source)
        ]
    return {
        (dataset, int(size)): known
        for file, dataset, size in asked
        if size.isdigit() and (known := images(file)) is not None and int(size) > known
    }


def _train_images(sidecar: Path) -> int | None:
    """Return the number of training images that a beton has; None while there is none."""
    try:
        return int(json.loads(sidecar.read_text(encoding="utf-8"))["images"]["train"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

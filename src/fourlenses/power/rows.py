"""The table that a planned study will have, without its accuracies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fourlenses.planning.sizes import Size, size_of
from fourlenses.study import Cell, Plan, Run, Subset, parse_source
from fourlenses.study.durations import (
    FINETUNING_KEYS,
    PRETRAINING_KEYS,
    finetuning_length,
    pretraining_length,
)
from fourlenses.study.vocabulary import (
    EVERY_LEVEL_LENSES,
    EXTERNAL,
    FROM_SCRATCH,
    LENSES,
    RANDOM_INIT,
)

IDENTITY = ("run", "target", "level", "labelled_images", "label_draw", "protocol")


@dataclass(frozen=True)
class PlannedRows:
    """Rows of `metrics.csv`.

    Attributes:
        table: its columns as far as they are known, none of them a score.
        unknown: datasets of which neither data nor pilot says how many images they have.
    """

    table: pd.DataFrame
    unknown: list[str]


def planned_rows(
    config: dict, plan: Plan, *, root: Path = Path(), pilot: pd.DataFrame | None = None
) -> PlannedRows:
    """Return the rows of a study: one for each cell, and for each level where a lens shows all.

    Concatenated encoders are left out: no finding and no card compares them.

    Args:
        config: completed.
        plan: of the config.
        root: the folder of data/.
        pilot: table of another study, for the sizes of datasets that are not indexed.
    """
    sizes = {name: _size(config, name, root=root, pilot=pilot) for name in config["datasets"]}
    rows: dict[tuple, dict[str, Any]] = {}
    unknown: set[str] = set()
    for cell, lenses in plan.cells.items():
        if len(cell.run.encoders) > 1:
            continue
        lacking = {
            name
            for name in (cell.target, *(part.dataset for part in parse_source(cell.run.source)))
            if sizes[name].train is None or sizes[name].test is None
        }
        if lacking:
            unknown |= lacking
            continue
        for row in _rows(config, cell, lenses, sizes=sizes):
            same = rows.setdefault(tuple(row[name] for name in IDENTITY), row)
            shown_by = {*same["lens"].split(";"), *row["lens"].split(";")}
            same["lens"] = ";".join(lens for lens in LENSES if lens in shown_by)
    return PlannedRows(pd.DataFrame(list(rows.values())), sorted(unknown))


def _size(config: dict, name: str, *, root: Path, pilot: pd.DataFrame | None) -> Size:
    """What is known of a dataset; where data says nothing, what a pilot saw of it."""
    definition = config["datasets"][name]
    size = size_of(name, definition, config["stored_size"], root=root)
    if definition["source"] == "synthetic":
        from fourlenses.data.synthetic import LEVELS, classes

        labels = zip(*classes(definition["domain"]), strict=True)
        counts = (len(set(names)) for names in labels)
        size = replace(size, levels=dict(zip(LEVELS, counts, strict=True)))
    if pilot is None or size.images is not None:
        return size
    tested, whole = pilot[pilot["target"] == name], pilot[pilot["source"] == f"{name}-all"]
    known = tested["labelled_images"].max() if whole.empty else whole["pretrain_images"].iloc[0]
    if tested.empty:
        return size
    ordered = tested.sort_values("level_depth").drop_duplicates("level")
    levels = zip(ordered["level"], ordered["n_classes"].fillna(0), strict=True)
    return replace(
        size,
        train=size.train or int(known),
        test=size.test or int(tested["n_test"].iloc[0]),
        levels=size.levels or {level: int(labels) for level, labels in levels},
    )


def _rows(
    config: dict, cell: Cell, lenses: set[str], *, sizes: Mapping[str, Size]
) -> Iterator[dict[str, Any]]:
    """A row for each level that a lens shows; nothing of a subset whose size is not known."""
    subset, size = Subset.parse(cell.labelled), sizes[cell.target]
    labels = size.of_subset(subset.size)
    images = _pretrain_images(config, cell.run, sizes)
    if labels is None or images is None:
        return
    levels = size.levels or {"class": size.classes or 0}
    finest = list(levels)[-1]
    common = {
        "study": config["study"],
        "method": cell.run.method,
        "backbone": config["backbone"],
        "source": cell.run.source,
        "pretrain_images": images,
        "corruption": cell.run.corruption,
        "seed": cell.run.seed,
        "target": cell.target,
        "labelled_images": labels,
        "protocol": cell.protocol,
        "n_test": size.test,
        "run": cell.run.name,
        "steps": _steps(config, cell, images=images, labels=labels),
        "label_draw": subset.draw,
        "image_size": config["image_size"],
        "not_converged": "",
    }
    for depth, (level, classes) in enumerate(levels.items()):
        shown_by = [lens for lens in lenses if level == finest or lens in EVERY_LEVEL_LENSES]
        if shown_by:
            yield {
                **common,
                "lens": ";".join(shown_by),
                "level": level,
                "n_classes": float(classes) if classes else float("nan"),
                "chance": 100 / classes if classes else float("nan"),
                "level_depth": depth,
                "is_finest": level == finest,
            }


def _pretrain_images(config: dict, run: Run, sizes: Mapping[str, Size]) -> int | None:
    if run.method == EXTERNAL:
        return config["encoders"][run.source].get("pretrain_images") or 0
    images = [sizes[part.dataset].of_subset(part.images) for part in parse_source(run.source)]
    known = [count for count in images if count is not None]
    return sum(known) if len(known) == len(images) else None


def _steps(config: dict, cell: Cell, *, images: int, labels: int) -> int:
    """Of the pretraining, or of training from scratch; 0 where nothing is trained."""
    if cell.protocol in FROM_SCRATCH:
        hyper = config["evaluation"][cell.protocol]
        given = {key: hyper[key] for key in FINETUNING_KEYS if key in hyper}
        return finetuning_length(labels, **given).steps
    if cell.run.method in (EXTERNAL, RANDOM_INIT):
        return 0
    hyper = config["methods"][cell.run.method]
    given = {key: hyper[key] for key in PRETRAINING_KEYS if key in hyper}
    return pretraining_length(images, **given).steps

"""One tidy table out of all evaluations of a study: the only input of every figure."""

from pathlib import Path

import pandas as pd

from fourlenses.errors import UserError
from fourlenses.files import atomic, read_json
from fourlenses.study import LENSES

COLUMNS = [
    "study", "lens", "method", "backbone", "source", "pretrain_images", "corruption", "seed", "target", "level",
    "labelled_images", "protocol", "top1", "top1_low", "top1_high", "top5", "n_test", "run", "steps", "epochs",
]  # fmt: skip
KEY = ("run", "target", "labelled", "protocol")


def collect(study_file: Path, evaluations: Path, output: Path) -> int:
    """Write ``output`` and return its number of rows. Every row is a number some lens looks at; ``lens`` says which do.

    The finest level is there for every cell, coarser ones where the granularity lens asks for them.

    ``study_file`` is the plan; only runs that it names are read, so what an earlier plan left behind does no harm.

    Raises:
        UserError: an evaluation that the study asks for is missing.
    """
    study = read_json(study_file)
    wanted = {tuple(cell[key] for key in KEY): cell["lenses"] for cell in study["cells"]}
    rows, found = [], set()
    for run in dict.fromkeys(cell["run"] for cell in study["cells"]):
        file = evaluations / run / "cells.json"
        for record in read_json(file)["cells"] if file.exists() else []:
            key = tuple(record[name] for name in KEY)
            if key in wanted:
                rows += _rows(study["study"], record, wanted[key])
                found.add(key)
    missing = sorted(set(wanted) - found)
    if missing:
        raise UserError(
            f"{len(missing)} evaluations of study '{study['study']}' are missing, e.g. {' '.join(missing[0])}; run snakemake evaluate_all"
        )
    table = pd.DataFrame(_merged(rows), columns=COLUMNS)
    # levels keep their order (coarse to fine): a stable sort by everything else
    table = table.sort_values(["target", "method", "protocol", "pretrain_images", "source", "seed", "labelled_images"], kind="stable")
    with atomic(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
    return len(table)


def _rows(study: str, record: dict, lenses: list[str]) -> list[dict]:
    finest = record["levels"][-1]["level"]
    rows = []
    for score in record["levels"]:
        looking = lenses if score["level"] == finest else [lens for lens in lenses if lens == "granularity"]
        if looking:
            numbers = {"top1": score["top1"], "top1_low": score["low"], "top1_high": score["high"]}
            numbers["top5"] = record["top5"] if score["level"] == finest else None
            rows.append({**record, **numbers, "study": study, "lens": ";".join(looking), "level": score["level"]})
    return rows


def _merged(rows: list[dict]) -> list[dict]:
    """One row per number: a label size given as a number here and as ``all`` there may be the same one, seen by different lenses."""
    merged: dict[tuple, dict] = {}
    for row in rows:
        key = tuple(row[name] for name in ("run", "target", "level", "labelled_images", "protocol"))
        first = merged.setdefault(key, row)
        looking = {*first["lens"].split(";"), *row["lens"].split(";")}
        first["lens"] = ";".join(lens for lens in LENSES if lens in looking)
    return list(merged.values())

"""One tidy table out of all evaluations of a study: the only input of every figure."""

from pathlib import Path

import pandas as pd

from fourlenses.errors import UserError
from fourlenses.files import atomic, read_json

COLUMNS = [
    "study", "lens", "method", "backbone", "source", "pretrain_images", "corruption", "seed", "target", "level",
    "labelled_images", "protocol", "top1", "top1_low", "top1_high", "top5", "n_test", "run",
]  # fmt: skip


def collect(study_file: Path, cell_files: list[Path], output: Path) -> int:
    """Write ``output`` and return its number of rows. Every row is a number some lens looks at; ``lens`` says which do.

    The finest level is there for every cell, coarser ones where the granularity lens asks for them.

    Raises:
        UserError: an evaluation that the study asks for is missing, or two files claim one cell with different numbers.
    """
    study = read_json(study_file)
    wanted = {tuple(cell[key] for key in ("run", "target", "labelled", "protocol")): cell["lenses"] for cell in study["cells"]}
    rows, seen = [], {}
    for file in cell_files:
        for record in read_json(file)["cells"]:
            key = tuple(record[key] for key in ("run", "target", "labelled", "protocol"))
            if key in seen and seen[key][1]["levels"] != record["levels"]:
                raise UserError(f"{file} and {seen[key][0]} both claim {' '.join(key)}, with different numbers; delete the one that is stale")
            if key in wanted and key not in seen:
                rows += _rows(study["study"], record, wanted[key])
            seen[key] = (file, record)
    missing = sorted(set(wanted) - set(seen))
    if missing:
        raise UserError(f"{len(missing)} evaluations of study '{study['study']}' are missing, e.g. {' '.join(missing[0])}; run snakemake evaluate_all")
    table = pd.DataFrame(rows, columns=COLUMNS)
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

"""One tidy table out of all evaluations of a study: the only input of every figure."""

from pathlib import Path

import pandas as pd

from fourlenses.analysis.former_tables import one_spelling
from fourlenses.analysis.table import ORDER
from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic, read_json
from fourlenses.study import Subset
from fourlenses.study.vocabulary import EVERY_LEVEL_LENSES, LENSES

COLUMNS = [
    "study",
    "lens",
    "method",
    "backbone",
    "source",
    "pretrain_images",
    "corruption",
    "seed",
    "target",
    "level",
    "labelled_images",
    "protocol",
    "top1",
    "top1_low",
    "top1_high",
    "top5",
    "n_test",
    "run",
    "steps",
    "epochs",
    "label_draw",
    "mean_class_top1",
    "log_loss",
    "ece",
    "image_size",
    "n_classes",
    "chance",
    "level_depth",
    "is_finest",
    "training_steps",
    "not_converged",
]
AT_FINEST = ("top5", "mean_class_top1", "log_loss", "ece")  # known at the finest level only
COUNTS = (
    "image_size",
    "n_classes",
    "level_depth",
    "training_steps",
)  # empty where nothing is known of them
KEY = ("run", "target", "labelled", "protocol")


def collect(study_file: Path, evaluations: Path, output: Path) -> int:
    """Write ``output`` and return its number of rows. Every row is a number some lens looks at; ``lens`` says which do.

    The finest level is there for every cell, coarser ones where the granularity lens asks for them.

    ``study_file`` is the plan; only files that it names are read, so what an earlier plan left behind does no harm.

    Raises:
        UserError: an evaluation that the study asks for is missing, or two records answer one question differently.
    """
    study = read_json(study_file)
    wanted = {tuple(cell[key] for key in KEY): cell["lenses"] for cell in study["cells"]}
    rows, found = [], {}
    for name in dict.fromkeys(cell["record"] for cell in study["cells"]):
        file = evaluations / name
        for record in read_json(file)["cells"] if file.exists() else []:
            key = tuple(record[part] for part in KEY)
            if key not in wanted:
                continue
            answer = {part: value for part, value in record.items() if part != "timing"}
            if key in found and found[key][0] != answer:
                raise UserError(
                    f"{found[key][1]} and {file} both answer '{' '.join(key)}', differently; delete the one that is not of this study, or "
                    "both, and run snakemake evaluate_all"
                )
            if key not in found:
                rows += _rows(study["study"], record, wanted[key])
            found[key] = (answer, file)
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise UserError(
            f"{len(missing)} evaluations of study '{study['study']}' are missing, e.g. {' '.join(missing[0])}; run snakemake evaluate_all"
        )
    table = pd.DataFrame(_merged(rows), columns=COLUMNS)
    table = table.astype(dict.fromkeys(COUNTS, "Int64"))  # unlike "int64", it may be empty
    table = table.sort_values(ORDER, kind="stable")
    with atomic(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
    return len(table)


def _rows(study: str, record: dict, lenses: list[str]) -> list[dict]:
    finest = record["levels"][-1]["level"]
    rows = []
    for place, score in enumerate(record["levels"]):
        looking = (
            lenses
            if score["level"] == finest
            else [lens for lens in lenses if lens in EVERY_LEVEL_LENSES]
        )
        if looking:
            numbers = {"top1": score["top1"], "top1_low": score["low"], "top1_high": score["high"]}
            numbers |= {
                column: record[column] if score["level"] == finest else None for column in AT_FINEST
            }
            # records from before there were these lack them
            numbers |= {
                "n_classes": score.get("n_classes"),
                "chance": score.get("chance"),
                "level_depth": score.get("depth", place),
            }
            numbers["is_finest"] = "true" if score["level"] == finest else "false"
            named = {
                "study": study,
                "lens": ";".join(looking),
                "source": one_spelling(record["source"]),
                "level": score["level"],
                "label_draw": Subset.parse(record["labelled"]).draw,
            }
            rows.append({**record, **numbers, **named})
    return rows


def _merged(rows: list[dict]) -> list[dict]:
    """One row per number: a label size given as a number here and as ``all`` there may be the same one, seen by different lenses.

    Raises:
        UserError: the two give different accuracies.
    """
    merged: dict[tuple, dict] = {}
    for row in rows:
        key = tuple(
            row[name]
            for name in ("run", "target", "level", "labelled_images", "label_draw", "protocol")
        )
        first = merged.setdefault(key, row)
        if first["top1"] != row["top1"]:
            raise UserError(
                f"{row['run']} on {row['target']}: label sizes '{first['labelled']}' and '{row['labelled']}' are the same "
                f"{row['labelled_images']} images, but give {first['top1']} and {row['top1']} percent; "
                "run snakemake evaluate_all --forcerun evaluate"
            )
        looking = {*first["lens"].split(";"), *row["lens"].split(";")}
        first["lens"] = ";".join(lens for lens in LENSES if lens in looking)
    return list(merged.values())

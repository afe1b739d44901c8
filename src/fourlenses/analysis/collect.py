"""One tidy table out of all evaluations of a study: the only input of every figure."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fourlenses.analysis.former_tables import one_spelling
from fourlenses.analysis.table import ORDER
from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic, read_json
from fourlenses.study import Subset
from fourlenses.study.columns import COLUMNS, EMPTY_COUNTS, FINEST_ONLY, SPARSE
from fourlenses.study.vocabulary import EVERY_LEVEL_LENSES, LENSES

KEY = ("run", "target", "labelled", "protocol")

Record = dict[str, Any]  # of one cell, as an evaluation writes it
Row = dict[str, Any]
log = logging.getLogger(__name__)


def collect(study_file: Path, evaluations: Path, output: Path, *, partial: bool = False) -> int:
    """Write the table and return its number of rows.

    What an evaluation left out for a reason, such as labels of a single class, has no row; the log
    names it.

    Every row is a number that some lens shows; the column `lens` says which do. The finest level is
    there for every cell, coarser ones where a lens asks for every level. Only records that the plan
    names are read, so what an earlier plan left behind does no harm.

    Args:
        study_file: the plan, study.json.
        evaluations: the folder of the records.
        output: metrics.csv.
        partial: whether to do without evaluations that are missing, and name them.

    Raises:
        UserError: an evaluation that the study asks for is missing, or there is none at all; or two
            records answer one question differently.
    """
    study: dict[str, Any] = read_json(study_file)
    lenses = {tuple(cell[key] for key in KEY): cell["lenses"] for cell in study["cells"]}
    records, left_out = _records(study, evaluations)
    for key, reason in sorted(left_out.items()):
        log.warning("no row of %s: %s", " ".join(key), reason)
    missing = sorted(set(lenses) - set(records) - set(left_out))
    if partial or not records:
        for key in missing:
            log.warning("no row of %s: not evaluated yet", " ".join(key))
    if not records and not missing and left_out:
        raise UserError(
            f"of study '{study['study']}' nothing can be measured: "
            f"{'; '.join(sorted(set(left_out.values())))}"
        )
    if not records:
        raise UserError(
            f"study '{study['study']}' has no evaluation yet ({len(missing)} are missing, "
            f"{len(left_out)} left out); run snakemake evaluate_all"
        )
    if missing and not partial:
        raise UserError(
            f"{len(missing)} evaluations of study '{study['study']}' are missing, e.g. "
            f"{' '.join(missing[0])}; run snakemake evaluate_all, or collect what there is with "
            "--partial"
        )
    rows = [row for key in records for row in _rows(study["study"], records[key], lenses[key])]
    table = pd.DataFrame(_merged(rows), columns=list(COLUMNS))
    table = table.drop(columns=[name for name in SPARSE if table[name].isna().all()])
    # unlike "int64", it may be empty
    table = table.astype({name: "Int64" for name in EMPTY_COUNTS if name in table})
    table = table.sort_values(ORDER, kind="stable")
    with atomic(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
    return len(table)


def _records(
    study: dict[str, Any], evaluations: Path
) -> tuple[dict[tuple[str, ...], Record], dict[tuple[str, ...], str]]:
    """The records that the plan asks for, by `KEY`; and why those left out have no number."""
    left_out: dict[tuple[str, ...], str] = {}
    wanted = {tuple(cell[key] for key in KEY) for cell in study["cells"]}
    records: dict[tuple[str, ...], Record] = {}
    files: dict[tuple[str, ...], Path] = {}
    for name in dict.fromkeys(cell["record"] for cell in study["cells"]):
        file = evaluations / name
        content = read_json(file) if file.exists() else {}
        cells: list[Record] = content.get("cells", [])
        for entry in content.get("left_out", []):
            key = tuple(entry[part] for part in KEY)
            left_out |= {key: entry["reason"]} if key in wanted else {}
        for record in cells:
            key = tuple(record[part] for part in KEY)
            if key not in wanted:
                continue
            if _answer(records.setdefault(key, record)) != _answer(record):
                raise UserError(
                    f"{files[key]} and {file} both answer '{' '.join(key)}', differently; delete "
                    "the one that is not of this study, or both, and run snakemake evaluate_all"
                )
            files[key] = file
    return records, left_out


def _answer(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "timing"}


def _rows(study: str, record: Record, lenses: list[str]) -> Iterator[Row]:
    """A row for each level that a lens shows. Records of earlier versions lack some keys."""
    finest, subset = record["levels"][-1]["level"], Subset.parse(record["labelled"])
    for depth, score in enumerate(record["levels"]):
        is_finest = score["level"] == finest
        shown_by = [lens for lens in lenses if is_finest or lens in EVERY_LEVEL_LENSES]
        if not shown_by:
            continue
        yield {
            **record,
            **{column: record[column] if is_finest else None for column in FINEST_ONLY},
            "study": study,
            "lens": ";".join(shown_by),
            "source": one_spelling(record["source"]),
            "level": score["level"],
            "label_draw": subset.draw,
            "labels_per_class": subset.labels_per_class,
            "top1": score["top1"],
            "top1_low": score["low"],
            "top1_high": score["high"],
            "n_classes": score.get("n_classes"),
            "chance": score.get("chance"),
            "level_depth": score.get("level_depth", score.get("depth", depth)),
            "is_finest": "true" if is_finest else "false",
        }


def _merged(rows: list[Row]) -> list[Row]:
    """One row per number: a label size given as a number for one lens and as `all` for another may
    be the same one.

    Raises:
        UserError: the two give different accuracies.
    """
    merged: dict[tuple, Row] = {}
    identity = ("run", "target", "level", "labelled_images", "label_draw", "protocol")
    taken = {tuple(row[name] for name in identity) for row in rows if not row["labels_per_class"]}
    for row in rows:
        if row["labels_per_class"] and tuple(row[name] for name in identity) in taken:
            log.warning(
                "%s on %s: %d labels per class are %d images, which is another label size of the "
                "study too: left out",
                *(row[name] for name in ("run", "target", "labels_per_class", "labelled_images")),
            )
            continue
        first = merged.setdefault(tuple(row[name] for name in identity), row)
        if first["top1"] != row["top1"]:
            raise UserError(
                f"{row['run']} on {row['target']}: label sizes '{first['labelled']}' and "
                f"'{row['labelled']}' are the same {row['labelled_images']} images, but give "
                f"{first['top1']} and {row['top1']} percent; "
                "run snakemake evaluate_all --forcerun evaluate"
            )
        shown_by = {*first["lens"].split(";"), *row["lens"].split(";")}
        first["lens"] = ";".join(lens for lens in LENSES if lens in shown_by)
    return list(merged.values())

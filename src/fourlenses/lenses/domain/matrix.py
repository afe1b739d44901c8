"""The cells of the matrix of pretraining sources by targets, with what each is against."""

from typing import Any

import pandas as pd

from fourlenses.analysis import bands, published_comparison, table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.plotting import chance
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import FROM_SCRATCH

NAME = "domain"
KEYS = ["method", "source", "pretrain_images", "target"]
SINGLE, POOLS, CONCATENATED = "single sources", "pools", "concatenated features"
BASELINES = "baselines"
BLOCKS = (SINGLE, POOLS, CONCATENATED, BASELINES)
COLUMNS = [
    *("block", *KEYS, "labelled_images", "protocol", "top1", "top1_low", "top1_high"),
    *("half_width", "seeds", "in_domain", "best", "reference", "against", "against_low"),
    *("against_high", "chance", "augmented_top1", "published_top1"),
    *("row_source", "row_images", "row_protocol"),
]
NOTHING = {"reference": "", "against": float("nan"), "against_low": float("nan")}
NOTHING |= {"against_high": float("nan")}


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per cell, in the order of the matrix, row by row.

    Returns:
        `against` is the cell's top-1 minus that of `reference`, the encoder of the target's own
        images, with the bounds of its interval. `row_source`, `row_images` and `row_protocol` say
        in which row a cell stands: training from scratch has one source a target, but one row.
    """
    rows = _rows(evidence.metrics)
    cells = bands.over_seeds(rows, [*KEYS, "labelled_images", "protocol"], evidence)
    cells["half_width"] = (cells["top1_high"] - cells["top1_low"]) / 2
    scratch = cells["protocol"].isin(FROM_SCRATCH)
    pairs = zip(cells["source"], cells["target"], strict=True)
    in_domain = pd.Series([names.is_in_domain(*pair) for pair in pairs], cells.index, bool)
    cells["in_domain"] = in_domain & cells["method"].map(methods.is_contrastive).astype(bool)
    cells["block"] = [_block(*key) for key in zip(cells["method"], cells["source"], strict=True)]
    # concatenated encoders have twice the features: they are no candidate for the best source
    ranked = cells[(cells["block"] == SINGLE) & ~scratch]
    best = cells["target"].map(ranked.groupby("target")["top1"].max())
    cells["best"] = (cells["top1"] == best) & cells.index.isin(ranked.index)
    against = [_against(cell, cells, rows, evidence=evidence) for cell in cells.itertuples()]
    cells = cells.join(pd.DataFrame(against, cells.index))
    cells["chance"] = chance.top1_by_chance(cells, rows, ["target"])
    _add_published(cells, evidence.metrics)
    cells["row_source"] = cells["source"].where(~scratch, "")
    cells["row_images"] = cells["pretrain_images"].where(~scratch, 0)
    cells["row_protocol"] = cells["protocol"].where(scratch, "")
    keys = zip(cells["method"], cells["source"], cells["pretrain_images"], scratch, strict=True)
    cells["_order"] = [_row_order(*key, scratch=is_scratch) for *key, is_scratch in keys]
    return cells.sort_values(["_order", "target"], ignore_index=True)[COLUMNS]


def _rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of linear classifiers of the lens, at the most labels of each target, and
    those of training from scratch on as many."""
    clean = _clean(metrics)
    rows = table.at_most_labels(selection.linear(clean))
    if rows.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of clean pretraining for the lens "
            "domain; add the protocol linear to the study"
        )
    most = rows.groupby("target")["labelled_images"].max()
    everywhere = selection.clean(table.at_finest(metrics))
    scratch = everywhere[everywhere["protocol"].isin(FROM_SCRATCH)]
    same = scratch["labelled_images"] == scratch["target"].map(most)
    return pd.concat([rows, scratch[same]], ignore_index=True)


def _clean(metrics: pd.DataFrame) -> pd.DataFrame:
    clean = selection.clean(table.at_finest(table.rows_for(metrics, NAME)))
    return clean.assign(source=clean["source"].map(names.of_any_seed))


def _block(method: str, source: str) -> str:
    if not methods.is_contrastive(method):
        return BASELINES
    if names.is_concatenated(source):
        return CONCATENATED
    return SINGLE if len(names.source_parts(source)) == 1 else POOLS


def _against(cell: Any, cells: pd.DataFrame, rows: pd.DataFrame, *, evidence: Evidence) -> dict:
    """Return the cell minus in-domain pretraining of the same method (of a baseline, of the first
    method), of as many images where there is such an encoder, else of the most."""
    own = cells[cells["in_domain"] & (cells["target"] == cell.target)]
    if own.empty:
        return NOTHING
    entries = set(own["method"])
    method = cell.method if cell.method in entries else methods.in_order(entries)[0]
    own = own[own["method"] == method].sort_values("pretrain_images", kind="stable")
    equal = own[own["pretrain_images"] == cell.pretrain_images]
    reference = (own if cell.in_domain or equal.empty else equal).iloc[-1]
    minuend, subtrahend = (_of(rows, key) for key in (cell, reference))
    if not selection.share_seeds(minuend, subtrahend):
        return NOTHING
    difference = evidence.difference(minuend, subtrahend)
    return {
        "reference": reference["source"],
        "against": difference.estimate,
        "against_low": difference.low,
        "against_high": difference.high,
    }


def _of(rows: pd.DataFrame, cell: Any) -> pd.DataFrame:
    """Return the rows of a cell, one per seed and draw."""
    for key in (*KEYS, "protocol"):
        rows = rows[rows[key] == getattr(cell, key)]
    return rows.drop_duplicates(bands.CELL)


def _add_published(cells: pd.DataFrame, metrics: pd.DataFrame) -> None:
    """Add the paper's accuracies and ours under its protocol, where that was run."""
    clean = _clean(metrics)
    augmented = table.at_most_labels(clean[clean["protocol"] == "linear_augmented"])
    ours = augmented.groupby(KEYS)["top1"].mean().to_dict()
    cells["augmented_top1"] = _values(cells, ours, KEYS)
    keys = ["method", "source", "target"]
    published = published_comparison.published_rows(metrics, NAME)
    published = published[published["protocol"] == "linear_augmented"]
    theirs = _values(cells, published.set_index(keys)["top1"].to_dict(), keys)
    cells["published_top1"] = pd.Series(theirs).where(cells["augmented_top1"].notna())


def _values(cells: pd.DataFrame, values: dict[tuple, float], keys: list[str]) -> list[float]:
    rows = zip(*(cells[key] for key in keys), strict=True)
    return [values.get(key, float("nan")) for key in rows]


def _row_order(method: str, source: str, images: int, *, scratch: bool) -> tuple:
    """Sort by block, method, single datasets by name with many images first, then pools by name."""
    parts = names.source_parts(source)
    single = parts[0][0] if len(parts) == 1 and not scratch else ""
    block = BLOCKS.index(_block(method, source))
    return block, not scratch, methods.rank(method), len(parts), single, -images, source

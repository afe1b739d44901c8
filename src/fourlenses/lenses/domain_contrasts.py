"""Differences between pretraining sources on one target, all else equal: method, labelled images, protocol, seeds.

What is compared is linear classifiers on features of contrastive encoders, after clean pretraining, at the finest level and the target's
largest number of labelled images. Sources come from rows of the domain lens; the in-domain encoder that they are held against may be
in the table for any lens. Where the table has no encoder to hold a source against, that comparison is left out.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fourlenses.errors import UserError
from fourlenses.lenses import contrasts, methods, names, table

LENS = "domain"
BEST, MEAN, TOTAL, PER_DOMAIN, FUSED = (
    *("in-domain less best other", "in-domain less mean of others"),
    *("pool less in-domain, same total", "pool less in-domain, same per domain"),
    "fused less one of them",
)
LOSS = "in-domain less source"
SETTING = ["method", "target", "labelled_images"]
COLUMNS = ["comparison", *SETTING, "source", "reference", "images", "difference", "low", "high", "seeds", "paired"]


def paired_beside(metrics: pd.DataFrame) -> pd.DataFrame | None:
    """The paired intervals that lie beside the file the table was read from, if there are any."""
    return contrasts.read_paired(Path(metrics.attrs["path"])) if "path" in metrics.attrs else None


def losses(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per method, target and other single dataset: in-domain less source, of as many images each."""
    return _frame(row for rows, single, paired in _settings(metrics) for row in _losses(rows, single, paired))


def comparisons(metrics: pd.DataFrame) -> pd.DataFrame:
    """The in-domain bonus, pools against in-domain (the paper's Table 2), fused encoders against each of their parts (Table 3)."""
    found = []
    for rows, single, paired in _settings(metrics):
        found += [*_bonuses(rows, single, paired), *_pools(rows, single, paired), *_fused(rows, single, paired)]
    return _frame(found)


def _frame(rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


def _settings(metrics: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]]:
    """Per setting: the rows of the domain lens, every row of a single dataset with its `dataset` and named `size`, paired intervals."""
    every = table.at_finest(metrics, metrics)
    every = every[(every["protocol"] == "linear") & (every["corruption"] == "none") & every["method"].map(methods.is_contrastive)]
    asked = table.rows_for(metrics, LENS)
    asked = table.at_most_labels(every[every.index.isin(asked.index)])
    if asked.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of clean contrastive pretraining for the lens domain; "
            "add the protocol linear and a contrastive method to the study"
        )
    paired = paired_beside(metrics)
    for setting, rows in asked.groupby(SETTING, sort=True):
        same = every[(every[SETTING] == setting).all(axis=1)]
        parts = same["source"].map(names.source_parts)
        single = same[parts.map(len) == 1]
        parts = parts[single.index]
        yield rows, single.assign(dataset=parts.map(lambda part: part[0][0]), size=parts.map(lambda part: part[0][1] or "all")), paired


def _row(comparison: str, rows: pd.DataFrame, reference: str, contrast: contrasts.Contrast) -> dict:
    first = rows.iloc[0]
    said = {"comparison": comparison, "source": first["source"], "reference": reference, "images": first["pretrain_images"]}
    bounds = {"difference": contrast.estimate, "low": contrast.low, "high": contrast.high}
    return {**said, **{key: first[key] for key in SETTING}, **bounds, "seeds": contrast.seeds, "paired": contrast.paired}


def _share_a_seed(*sides: pd.DataFrame) -> bool:
    return bool(set.intersection(*({*zip(side["seed"], side["label_draw"], strict=True)} for side in sides)))


def _others(rows: pd.DataFrame, single: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, list[pd.DataFrame]]]:
    """Per number of images: the in-domain rows, and those of each other dataset of the domain lens that share a seed with them."""
    for _, same in single.groupby(single["size"].map(str), sort=False):
        own = same[same["dataset"] == same["target"]]
        others = same[(same["dataset"] != same["target"]) & same.index.isin(rows.index)]
        groups = [group for _, group in others.groupby("source") if len(own) and _share_a_seed(own, group)]
        if groups:
            yield own, groups


def _losses(rows: pd.DataFrame, single: pd.DataFrame, paired: pd.DataFrame | None) -> Iterator[dict]:
    for own, others in _others(rows, single):
        for other in others:
            yield _row(LOSS, other, own["source"].iloc[0], contrasts.difference(own, other, paired))


def _bonuses(rows: pd.DataFrame, single: pd.DataFrame, paired: pd.DataFrame | None) -> Iterator[dict]:
    """The best other dataset is the best on the test images themselves, which makes the bonus over it small rather than large."""
    for own, others in _others(rows, single):
        best = max(others, key=lambda group: group["top1"].mean())
        yield _row(BEST, own, best["source"].iloc[0], contrasts.difference(own, best, paired))
        if len(others) > 1 and _share_a_seed(own, *others):
            mean = contrasts.weighted([(1 / len(others), own, other) for other in others], paired)
            yield _row(MEAN, own, ", ".join(other["source"].iloc[0] for other in others), mean)


def _pools(rows: pd.DataFrame, single: pd.DataFrame, paired: pd.DataFrame | None) -> Iterator[dict]:
    own = single[single["dataset"] == single["target"]]
    for source, pool in rows.groupby("source"):
        parts = names.source_parts(source)
        if len(parts) == 1 or names.is_fused(source):
            continue
        sizes = {size or "all" for _, size in parts}
        same_total = own[own["pretrain_images"] == pool["pretrain_images"].iloc[0]]
        per_domain = own[own["size"].isin(sizes)] if len(sizes) == 1 else own[:0]
        for comparison, reference in ((TOTAL, same_total), (PER_DOMAIN, per_domain)):
            reference = reference[reference["source"] == reference["source"].min()] if len(reference) else reference
            if len(reference) and _share_a_seed(pool, reference):
                yield _row(comparison, pool, reference["source"].iloc[0], contrasts.difference(pool, reference, paired))


def _fused(rows: pd.DataFrame, single: pd.DataFrame, paired: pd.DataFrame | None) -> Iterator[dict]:
    for source, fused in rows.groupby("source"):
        for part in source.split(names.SIDE_BY_SIDE) if names.is_fused(source) else ():
            alone = single[single["source"] == part]
            if len(alone) and _share_a_seed(fused, alone):
                yield _row(FUSED, fused, part, contrasts.difference(fused, alone, paired))

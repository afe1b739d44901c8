"""The numbers of the paper (Cole et al., CVPR 2022, https://arxiv.org/abs/2105.05837) as a table.

They have the columns of `metrics.csv`, so that whatever reads a study reads them too: figures show
them as hollow markers, and the findings can be computed from them alone. They are never written
into a study's table. Values of figures were read off their pixels; `reading_error` (points) says
how well, 0 for tables. What the paper does not print, the intervals, is the Wilson interval of the
test set it reports on; that of GLC20 is not published and counted as `GLC20_TEST`.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.metrics.statistics import wilson_share
from fourlenses.study import names
from fourlenses.study.encoders import CONCATENATION

FOLDER = Path(__file__).parents[1] / "reference" / "published"
# Of GLC20: about, and no more is known.
TRAIN_IMAGES = {
    "imagenet": 1_281_167,
    "inat21": 2_686_843,
    "places365": 1_803_460,
    "glc20": 1_000_000,
}
GLC20_TEST = 50_000  # assumed
TEST_IMAGES = {"imagenet": 50_000, "inat21": 100_000, "places365": 36_500, "glc20": GLC20_TEST}
FINEST = {"imagenet": "class", "inat21": "species", "places365": "class", "glc20": "class"}
# The paper's name of a level -> ours, where they differ.
LEVELS = {("places365", "depth0"): "level1", ("places365", "depth1"): "level2"}
MOST_DEPTH = {"imagenet": 18, "inat21": 6, "places365": 2}
CORRUPTIONS = {
    "salt_and_pepper": "salt_and_pepper",
    "jpeg": "jpeg10",
    "resize": "resize256",
    "resize_downsample_2x": "downsample2",
    "resize_downsample_4x": "downsample4",
}
# Of the finest level; the test set of GLC20 is not balanced, so that its chance is not known.
CLASSES = {"imagenet": 1000, "inat21": 10_000, "places365": 365, "glc20": 16}
# The paper trains its linear classifier on augmented images and tests on the centre crop. Its
# supervised baseline has the published 90 epochs whatever the number of labels.
LINEAR, SCRATCH = "linear_augmented", "scratch_published"
PROTOCOLS = {"linear": LINEAR, "scratch": SCRATCH}  # the files' names -> ours, where they differ
FILES = (
    *("fig2_quantity", "fig3_methods_inat21", "fig4_quality_imagenet", "fig5_granularity"),
    *("table1_cross_domain", "table2_pooled", "table3_fused_deltas"),
)

Row = dict[str, Any]


def rows(folder: Path = FOLDER) -> pd.DataFrame:
    """Return every published accuracy, one row each.

    Its columns are those of `metrics.csv`, `origin` (the file it is from) and `reading_error`
    (points). Of concatenated features the paper gives the difference to one part, and what stands
    here is that part's accuracy with the difference added. Accuracies after corrupted pretraining
    are made from the published drops likewise.

    Raises:
        UserError: a file of the folder is missing.
    """
    return _rows(folder).copy()


@cache
def _rows(folder: Path) -> pd.DataFrame:
    tables = {}
    for name in FILES:
        file = folder / f"{name}.csv"
        if not file.exists():
            raise UserError(
                f"{file} does not exist; the paper's numbers are part of the repository: "
                f"git checkout {file}"
            )
        tables[name] = pd.read_csv(file)
    # the other lines of figure 3 are those of figure 2, read off a second time
    figure3 = tables["fig3_methods_inat21"].query("method in ('moco', 'byol')")
    domain = _domain(tables["table1_cross_domain"])
    pooled = _pooled(tables["table2_pooled"])
    known = {(row["source"], row["target"]) for row in domain}
    every = [
        *_quantity(tables["fig2_quantity"], "fig2_quantity"),
        *_quantity(figure3.assign(dataset="inat21"), "fig3_methods_inat21"),
        *domain,
        *(row for row in pooled if (row["source"], row["target"]) not in known),
        *_fused(tables["table3_fused_deltas"], domain),
        *_quality(tables["fig4_quality_imagenet"], tables["table1_cross_domain"]),
        *_granularity(tables["fig5_granularity"]),
    ]
    table = pd.DataFrame(every)
    table.attrs["path"] = "reference/published"
    return table


def _row(
    lens: str,
    origin: str,
    *,
    method: str,
    source: str,
    target: str,
    top1: float,
    **more: Any,
) -> Row:
    """A row of the table. Labels are all of the target's, the protocol is the paper's linear one,
    unless said otherwise. How many steps were made the paper does not say (equal epochs): the
    column is not there."""
    corrupted = source.partition("@")[2] or "none"
    n_test = TEST_IMAGES[target]
    low, high = (100 * bound for bound in wilson_share(top1 / 100, n_test))
    return {
        "study": "published",
        "lens": lens,
        "method": method,
        "backbone": "resnet50",
        "source": source,
        "pretrain_images": sum(size for _, size in names.source_parts(source)),
        "corruption": corrupted,
        "seed": 0,
        "target": target,
        "level": FINEST[target],
        "labelled_images": TRAIN_IMAGES[target],
        "protocol": LINEAR,
        "top1": top1,
        "top1_low": low,
        "top1_high": high,
        "top5": float("nan"),
        "n_test": n_test,
        "run": f"{method}/{source}/seed0",
        "label_draw": 0,
        "image_size": 224,
        "n_classes": CLASSES[target],
        "chance": float("nan") if target == "glc20" else 100 / CLASSES[target],
        "level_depth": MOST_DEPTH.get(target, 0),
        "is_finest": True,
        "origin": origin,
        "reading_error": 0.0,
        **more,
    }


def _quantity(table: pd.DataFrame, origin: str) -> Iterator[Row]:
    for line in table.itertuples():
        scratch = line.protocol == "scratch"
        images = line.labelled_images if scratch else int(line.pretrain_images)
        yield _row(
            "quantity",
            origin,
            method=line.method,
            source=f"{line.dataset}-{images}",
            target=line.dataset,
            top1=line.top1_percent,
            labelled_images=line.labelled_images,
            protocol=PROTOCOLS.get(line.protocol, line.protocol),
            reading_error=line.read_off_error_points,
        )


def _domain(table: pd.DataFrame) -> list[Row]:
    """Table 1. Its supervised line is trained from scratch on all labels of the target."""
    every = []
    for line in table.itertuples():
        target = line.target_dataset
        if line.method == "supervised":
            lens, protocol = "domain;granularity", SCRATCH
            source = f"{target}-{TRAIN_IMAGES[target]}"
        else:
            protocol, source = LINEAR, f"{line.pretrain_dataset}-{line.pretrain_images}"
            is_clean = (source, target) == ("imagenet-1000000", "imagenet")
            lens = "domain;quality" if is_clean else "domain"
        every.append(
            _row(
                lens,
                "table1_cross_domain",
                method=line.method,
                source=source,
                target=target,
                top1=line.top1_percent,
                protocol=protocol,
            )
        )
    return every


def _pooled(table: pd.DataFrame) -> Iterator[Row]:
    for line in table.itertuples():
        pool = line.pretrain_pool.replace("in_domain", line.target_dataset)
        yield _row(
            "domain",
            "table2_pooled",
            method="simclr",
            source=pool.replace(":", "-"),
            target=line.target_dataset,
            top1=line.top1_percent,
        )


def _fused(table: pd.DataFrame, domain: list[Row]) -> Iterator[Row]:
    """Table 3: what the reference reaches by table 1, with the printed difference. The method is
    the first encoder's."""
    single = {(row["method"], row["source"], row["target"]): row["top1"] for row in domain}
    for line in table.itertuples():
        parts = [part.split(":") for part in line.fused_encoders.split("+")]
        first = parts[0][1]
        sources = [
            f"{dataset}-1000000" + ("" if method == first else f".{method}")
            for dataset, method in parts
        ]
        dataset, method = line.reference_encoder.split(":")
        alone = single[method, f"{dataset}-1000000", line.target_dataset]
        yield _row(
            "domain",
            "table3_fused_deltas",
            method=first,
            source=CONCATENATION.join(sources),
            target=line.target_dataset,
            top1=alone + line.delta_points,
        )


def _quality(drops: pd.DataFrame, table1: pd.DataFrame) -> Iterator[Row]:
    on_imagenet = table1[table1["target_dataset"] == "imagenet"].set_index("method")
    simclr, supervised = on_imagenet.loc[["simclr"]], on_imagenet.loc[["supervised"]]
    of_own, of_all = (
        simclr["pretrain_dataset"] == "imagenet",
        supervised["pretrain_images"] == "all",
    )
    clean = {
        "simclr": simclr.loc[of_own, "top1_percent"].iloc[0],
        "supervised": supervised.loc[of_all, "top1_percent"].iloc[0],
    }
    yield _row(
        "quality",
        "table1_cross_domain",
        method="supervised",
        source="imagenet-1000000",
        target="imagenet",
        top1=clean["supervised"],
    )
    for line in drops.itertuples():
        yield _row(
            "quality",
            "fig4_quality_imagenet",
            method=line.method,
            source=f"imagenet-1000000@{CORRUPTIONS[line.corruption]}",
            target="imagenet",
            top1=clean[line.method] - line.top1_drop_points,
            reading_error=line.read_off_error_points,
        )


def _granularity(table: pd.DataFrame) -> Iterator[Row]:
    deepest = table.groupby("dataset")["depth"].max()
    for line in table.itertuples():
        is_finest = bool(line.depth == deepest[line.dataset])
        supervised = line.method == "supervised"
        # supervised training on all labels, at the finest level, stands in table 1 too, exactly
        if supervised and is_finest:
            continue
        # WordNet: entity has two children
        two = (line.dataset, line.level) == ("imagenet", "depth1")
        level = LEVELS.get((line.dataset, line.level), line.level)
        yield _row(
            "granularity",
            "fig5_granularity",
            method=line.method,
            source=f"{line.dataset}-{TRAIN_IMAGES[line.dataset]}",
            target=line.dataset,
            top1=line.top1_percent,
            level=FINEST[line.dataset] if is_finest else level,
            protocol=SCRATCH if supervised else LINEAR,
            n_classes=2 if two else line.labels_at_level,
            chance=float("nan"),
            level_depth=line.depth,
            is_finest=is_finest,
            reading_error=line.read_off_error_points,
        )

"""The numbers of the paper (Cole et al., CVPR 2022) as rows of our own table, from reference/published/*.csv.

They have the columns of `metrics.csv`, so that whatever reads a study reads them too: figures lay them under ours as hollow markers, and
the findings can be computed from them alone. They are never written into a study's table. Values of figures were read off their pixels;
`reading_error` (points) says how well, 0 for tables. What the paper does not print, the intervals, is the Wilson interval of the
test set it reports on; that of GLC20 is not published and counted as `GLC20_TEST`.
"""

from functools import cache
from pathlib import Path

import pandas as pd

from fourlenses.core.errors import UserError
from fourlenses.metrics.statistics import wilson_share
from fourlenses.study import names
from fourlenses.study.encoders import CONCATENATION

FOLDER = Path(__file__).parents[1] / "reference" / "published"
TRAIN_IMAGES = {
    "imagenet": 1_281_167,
    "inat21": 2_686_843,
    "places365": 1_803_460,
    "glc20": 1_000_000,
}  # glc20: about, and no more is known
GLC20_TEST = 50_000  # assumed
TEST_IMAGES = {"imagenet": 50_000, "inat21": 100_000, "places365": 36_500, "glc20": GLC20_TEST}
FINEST = {"imagenet": "class", "inat21": "species", "places365": "class", "glc20": "class"}
LEVELS = {
    ("places365", "depth0"): "level1",
    ("places365", "depth1"): "level2",
}  # the paper's name -> ours, where they differ
MOST_DEPTH = {"imagenet": 18, "inat21": 6, "places365": 2}
CORRUPTIONS = {
    "salt_and_pepper": "salt_and_pepper",
    "jpeg": "jpeg10",
    "resize": "resize256",
    "resize_downsample_2x": "downsample2",
    "resize_downsample_4x": "downsample4",
}
# of the finest level; the test set of GLC20 is not balanced, so that its chance level is not known
CLASSES = {"imagenet": 1000, "inat21": 10_000, "places365": 365, "glc20": 16}
LINEAR = "linear_augmented"  # the paper's linear classifier is trained on augmented images and tested on the centre crop
SCRATCH = "scratch_published"  # its supervised baseline has the published 90 epochs whatever the number of labels
PROTOCOLS = {"linear": LINEAR, "scratch": SCRATCH}  # the files' names -> ours, where they differ
FILES = (
    *("fig2_quantity", "fig3_methods_inat21", "fig4_quality_imagenet", "fig5_granularity"),
    *("table1_cross_domain", "table2_pooled", "table3_fused_deltas"),
)


def rows(folder: Path = FOLDER) -> pd.DataFrame:
    """Return a copy of `_rows`, which reads the files once."""
    return _rows(folder).copy()


@cache
def _rows(folder: Path) -> pd.DataFrame:
    """Every published accuracy, one row each: the columns of `metrics.csv`, `origin` (the file it is from) and `reading_error` (points).

    Of concatenated features the paper gives the difference to one part, and what stands here is that part's accuracy with the difference
    added. Accuracies after corrupted pretraining are made from the published drops likewise.

    Raises:
        UserError: a file of the folder is missing.
    """
    tables = {}
    for name in FILES:
        file = folder / f"{name}.csv"
        if not file.exists():
            raise UserError(
                f"{file} does not exist; the paper's numbers are part of the repository: git checkout {file}"
            )
        tables[name] = pd.read_csv(file)
    domain = _domain(tables["table1_cross_domain"])
    pooled = _pooled(tables["table2_pooled"])
    known = {(row["source"], row["target"]) for row in domain}
    found = [
        *_quantity(tables["fig2_quantity"], "fig2_quantity"),
        # its other lines are those of figure 2, read off a second time
        *_quantity(
            tables["fig3_methods_inat21"]
            .query("method in ('moco', 'byol')")
            .assign(dataset="inat21"),
            "fig3_methods_inat21",
        ),
        *domain,
        *(row for row in pooled if (row["source"], row["target"]) not in known),
        *_fused(tables["table3_fused_deltas"], domain),
        *_quality(tables["fig4_quality_imagenet"], tables["table1_cross_domain"]),
        *_granularity(tables["fig5_granularity"]),
    ]
    table = pd.DataFrame(found)
    table.attrs["path"] = "reference/published"
    return table


def _row(
    lens: str, origin: str, method: str, source: str, target: str, top1: float, **more
) -> dict:
    """A row of the table; labels are all of the target's, the protocol the paper's linear one, unless said otherwise. How many steps were
    made the paper does not say (equal epochs): the column is not there."""
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


def _quantity(table: pd.DataFrame, origin: str) -> list[dict]:
    found = []
    for one in table.itertuples():
        images = one.labelled_images if one.protocol == "scratch" else int(one.pretrain_images)
        protocol = PROTOCOLS.get(one.protocol, one.protocol)
        more = {
            "labelled_images": one.labelled_images,
            "protocol": protocol,
            "reading_error": one.read_off_error_points,
        }
        found.append(
            _row(
                "quantity",
                origin,
                one.method,
                f"{one.dataset}-{images}",
                one.dataset,
                one.top1_percent,
                **more,
            )
        )
    return found


def _domain(table: pd.DataFrame) -> list[dict]:
    """Table 1. Its supervised line is trained from scratch on all labels of the target."""
    found = []
    for one in table.itertuples():
        if one.method == "supervised":
            lens, source, protocol = (
                "domain;granularity",
                f"{one.target_dataset}-{TRAIN_IMAGES[one.target_dataset]}",
                SCRATCH,
            )
        else:
            source, protocol = f"{one.pretrain_dataset}-{one.pretrain_images}", LINEAR
            lens = (
                "domain;quality"
                if (source, one.target_dataset) == ("imagenet-1000000", "imagenet")
                else "domain"
            )
        found.append(
            _row(
                lens,
                "table1_cross_domain",
                one.method,
                source,
                one.target_dataset,
                one.top1_percent,
                protocol=protocol,
            )
        )
    return found


def _pooled(table: pd.DataFrame) -> list[dict]:
    found = []
    for one in table.itertuples():
        pool = one.pretrain_pool.replace("in_domain", one.target_dataset).replace(":", "-")
        found.append(
            _row("domain", "table2_pooled", "simclr", pool, one.target_dataset, one.top1_percent)
        )
    return found


def _fused(table: pd.DataFrame, domain: list[dict]) -> list[dict]:
    """Table 3: what the reference reaches by table 1, with the printed difference. The method is the first encoder's."""
    single = {(row["method"], row["source"], row["target"]): row["top1"] for row in domain}
    found = []
    for one in table.itertuples():
        parts = [part.split(":") for part in one.fused_encoders.split("+")]
        dataset, method = one.reference_encoder.split(":")
        first = parts[0][1]
        source = CONCATENATION.join(
            f"{dataset}-1000000" + ("" if method == first else f".{method}")
            for dataset, method in parts
        )
        top1 = single[method, f"{dataset}-1000000", one.target_dataset] + one.delta_points
        found.append(_row("domain", "table3_fused_deltas", first, source, one.target_dataset, top1))
    return found


def _quality(drops: pd.DataFrame, table1: pd.DataFrame) -> list[dict]:
    clean = {
        method: table1.loc[
            (table1["method"] == method) & (table1["target_dataset"] == "imagenet") & own,
            "top1_percent",
        ].iloc[0]
        for method, own in (
            ("simclr", table1["pretrain_dataset"] == "imagenet"),
            ("supervised", table1["pretrain_images"] == "all"),
        )
    }
    found = [
        _row(
            "quality",
            "table1_cross_domain",
            "supervised",
            "imagenet-1000000",
            "imagenet",
            clean["supervised"],
        )
    ]
    for one in drops.itertuples():
        source = f"imagenet-1000000@{CORRUPTIONS[one.corruption]}"
        top1 = clean[one.method] - one.top1_drop_points
        found.append(
            _row(
                "quality",
                "fig4_quality_imagenet",
                one.method,
                source,
                "imagenet",
                top1,
                reading_error=one.read_off_error_points,
            )
        )
    return found


def _granularity(table: pd.DataFrame) -> list[dict]:
    found = []
    for one in table.itertuples():
        finest = one.depth == table.loc[table["dataset"] == one.dataset, "depth"].max()
        more = {
            "level": FINEST[one.dataset]
            if finest
            else LEVELS.get((one.dataset, one.level), one.level),
            "protocol": SCRATCH if one.method == "supervised" else LINEAR,
            "n_classes": 2
            if (one.dataset, one.level) == ("imagenet", "depth1")
            else one.labels_at_level,  # WordNet: entity's two children
            "chance": float("nan"),
            "level_depth": one.depth,
            "is_finest": bool(finest),
            "reading_error": one.read_off_error_points,
        }
        source = f"{one.dataset}-{TRAIN_IMAGES[one.dataset]}"
        found.append(
            _row(
                "granularity",
                "fig5_granularity",
                one.method,
                source,
                one.dataset,
                one.top1_percent,
                **more,
            )
        )
    # supervised training on all labels, at the finest level, stands in table 1 too, exactly
    return [
        row
        for row in found
        if not (row["protocol"] == SCRATCH and row["level"] == FINEST[row["target"]])
    ]

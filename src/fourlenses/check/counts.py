"""Counts of a dataset's images: per split, per level of its labels, per class."""

import numpy as np

from fourlenses.data.manifest.manifest import Manifest, hierarchy_of, labels_of, rows_of

SPLITS = ("train", "test")


def count_labels(manifest: Manifest, usable: np.ndarray, few_images: int) -> list[dict]:
    """Return an entry per level, coarse to fine.

    Of the training images: ``imbalance``, the largest class over the smallest that has any;
    ``effective_classes``, exp(H) of the entropy H of the class shares, which is the number of
    classes when all are equal; ``evenness``, H over its maximum (Pielou, 1966,
    https://doi.org/10.1016/0022-5193(66)90013-0), 1 when equal.

    Args:
        manifest: Of the dataset.
        usable: bool (rows,).
        few_images: Classes with fewer training images are listed as ``few``.
    """
    hierarchy, labels = hierarchy_of(manifest), labels_of(manifest)
    rows = {split: rows_of(manifest, split) for split in SPLITS}
    rows = {split: some[usable[some]] for split, some in rows.items()}
    levels = []
    for number, (name, classes) in enumerate(zip(hierarchy.names, hierarchy.classes, strict=True)):
        of_row = hierarchy.table[:, number][labels]
        counts = {
            split: np.bincount(of_row[some], minlength=len(classes)) for split, some in rows.items()
        }
        levels.append(
            {"level": name, "classes": len(classes), **_describe(classes, counts, few_images)}
        )
    return levels


def _describe(classes: list[str], counts: dict[str, np.ndarray], few_images: int) -> dict:
    train, test = counts["train"], counts["test"]
    present = train[train > 0]
    shares = present / max(present.sum(), 1)
    entropy = float(-(shares * np.log(shares)).sum())
    return {
        **{split: _spread(counts[split]) for split in SPLITS},
        "imbalance": round(float(present.max() / present.min()), 3) if len(present) else None,
        "effective_classes": round(float(np.exp(entropy)), 3) if len(present) else 0.0,
        "evenness": round(entropy / float(np.log(len(classes))), 4) if len(classes) > 1 else 1.0,
        "few": [classes[index] for index in np.flatnonzero((train > 0) & (train < few_images))],
        "train_only": [classes[index] for index in np.flatnonzero((train > 0) & (test == 0))],
        "test_only": [classes[index] for index in np.flatnonzero((train == 0) & (test > 0))],
        "images": {
            name: {"train": int(train[index]), "test": int(test[index])}
            for index, name in enumerate(classes)
        },
    }


def _spread(counts: np.ndarray) -> dict:
    return {
        "images": int(counts.sum()),
        "min": int(counts.min()),
        "median": float(np.median(counts)),
        "max": int(counts.max()),
    }

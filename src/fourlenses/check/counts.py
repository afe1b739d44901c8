"""How many images a dataset has: per split, per level of its labels, per class."""

import numpy as np

from fourlenses.data.manifest.manifest import Manifest, hierarchy_of, labels_of, rows_of

SPLITS = ("train", "test")


def count_labels(manifest: Manifest, usable: np.ndarray, few_images: int) -> list[dict]:
    """One entry per level, coarse to fine. usable: bool (rows,). few_images: classes with fewer training images are counted as ``few``.

    Of the training images: ``imbalance``, the largest class over the smallest that has any; ``effective_classes``, exp(H) of the entropy H
    of the class shares, which is the number of classes when all are equal; ``evenness``, H over its maximum (Pielou, 1966), 1 when equal.
    """
    hierarchy, labels = hierarchy_of(manifest), labels_of(manifest)
    rows = {split: rows_of(manifest, split) for split in SPLITS}
    rows = {split: its[usable[its]] for split, its in rows.items()}
    levels = []
    for number, (name, classes) in enumerate(zip(hierarchy.names, hierarchy.classes, strict=True)):
        of_row = hierarchy.table[:, number][labels]
        counts = {
            split: np.bincount(of_row[its], minlength=len(classes)) for split, its in rows.items()
        }
        levels.append(
            {"level": name, "classes": len(classes), **_describe(classes, counts, few_images)}
        )
    return levels


def _describe(classes: list[str], counts: dict[str, np.ndarray], few_images: int) -> dict:
    train, test = counts["train"], counts["test"]
    present = train[train > 0]
    entropy = (
        float(-(present / present.sum() * np.log(present / present.sum())).sum())
        if len(present)
        else 0.0
    )
    return {
        **{split: _spread(counts[split]) for split in SPLITS},
        "imbalance": round(float(present.max() / present.min()), 3) if len(present) else None,
        "effective_classes": round(float(np.exp(entropy)), 3) if len(present) else 0.0,
        "evenness": round(entropy / float(np.log(len(classes))), 4) if len(classes) > 1 else 1.0,
        "few": [classes[place] for place in np.flatnonzero((train > 0) & (train < few_images))],
        "train_only": [classes[place] for place in np.flatnonzero((train > 0) & (test == 0))],
        "test_only": [classes[place] for place in np.flatnonzero((train == 0) & (test > 0))],
        "images": {
            name: {"train": int(train[place]), "test": int(test[place])}
            for place, name in enumerate(classes)
        },
    }


def _spread(counts: np.ndarray) -> dict:
    return {
        "images": int(counts.sum()),
        "min": int(counts.min()),
        "median": float(np.median(counts)),
        "max": int(counts.max()),
    }

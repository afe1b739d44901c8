"""Label granularity: train at the finest level, then read predictions and labels at every coarser one; or train at each level.

Cole et al., When Does Contrastive Visual Representation Learning Work? (CVPR 2022), section 4.4: a prediction counts as right at a
level if the ancestor of the predicted class at that level is the ancestor of the true class. A class that is shallower than a level
keeps its own label there (`hierarchies` makes tables so), hence is right only where it is itself predicted.

The paper trains once, on the finest labels. To train at each level, which it does not do, tells whether a coarse task is easy because
its classes are far apart or only because confusions within them are forgiven.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np


def listed_levels(levels: Mapping[str, dict], names: Sequence[str]) -> list[dict]:
    """The levels of a record, by name, as the list that JSON keeps in order, each with its depth (0 for the coarsest) among ``names``, all
    levels of the dataset from coarse to fine."""
    return [
        {"level": name, "depth": names.index(name), **scores} for name, scores in levels.items()
    ]


def coarsen(fine: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The ids (N, levels) of fine classes (N,) at every level; table (fine_classes, levels) holds one row of ids for each fine class.

    A row with a negative id says that the class has no place in the hierarchy. ValueError, naming the labels, if one that is needed
    has no row or no place.
    """
    fine, table = np.asarray(fine), np.asarray(table)
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.integer):
        raise ValueError(
            f"table must be an integer array (fine_classes, levels), not {table.dtype} of shape {table.shape}"
        )
    if fine.ndim != 1 or not np.issubdtype(fine.dtype, np.integer):
        raise ValueError(
            f"fine labels must be an integer array (N,), not {fine.dtype} of shape {fine.shape}"
        )
    used = np.unique(fine).astype(np.int64)
    outside = (used < 0) | (used >= len(table))
    missing = used[outside].tolist() + [
        int(label) for label in used[~outside] if (table[label] < 0).any()
    ]
    if missing:
        shown = ", ".join(map(str, sorted(missing)[:10])) + (", ..." if len(missing) > 10 else "")
        raise ValueError(
            f"{len(missing)} label(s) missing from the granularity table of {len(table)} fine classes: {shown}"
        )
    return table[fine.astype(np.int64)]


def correct_by_level(predictions: np.ndarray, labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Which of N predictions are right at every level: bool (N, levels). predictions, labels: fine classes, int (N,)."""
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if predictions.shape != labels.shape:
        raise ValueError(
            f"predictions and labels must have one length, not {predictions.shape} and {labels.shape}"
        )
    return coarsen(predictions, table) == coarsen(labels, table)


def describe_level(ids: np.ndarray, labels: np.ndarray) -> dict:
    """What a level of labels is, before any classifier: n_classes, and chance, the accuracy of always answering its commonest label.

    Args:
        ids: int (fine_classes,), the label at this level of every fine class; negative where a class has none.
        labels: int (N,), the labels at this level of the test images.

    Returns:
        n_classes: labels that the level has, with test images or without. chance: percent, of the test images.
    """
    ids = np.asarray(ids)
    return {
        "n_classes": len(np.unique(ids[ids >= 0])),
        "chance": 100 * int(np.bincount(labels).max()) / len(labels),
    }


def level_labels(labels: np.ndarray, level_table: np.ndarray, level: int) -> tuple[np.ndarray, int]:
    """Fine labels (N,) as labels of one level, int64 (N,), and the number of classes there: those of all fine classes, in use or not.

    level: a column of level_table, int (fine_classes, levels); the ids in it count from 0.
    """
    table = np.asarray(level_table)
    if not 0 <= level < table.shape[1]:
        raise ValueError(
            f"level {level} is none of the {table.shape[1]} columns of the level table"
        )
    return coarsen(labels, table)[:, level].astype(np.int64), int(table[:, level].max()) + 1


def levels_above(level_table: np.ndarray, level: int) -> tuple[np.ndarray, list[int]]:
    """For classifiers trained at a level: the table (classes of that level, columns kept) of its labels, and the columns kept.

    Kept are those up to ``level`` at which all fine classes of one label agree. Another, as of a hierarchy that is no tree or of a class
    that keeps its own label, says nothing of a prediction at this level.
    """
    table = np.asarray(level_table)
    _, first, label = np.unique(table[:, level], return_index=True, return_inverse=True)
    kept = [
        column
        for column in range(level + 1)
        if (table[first, column][label] == table[:, column]).all()
    ]
    result = np.full((int(table[:, level].max()) + 1, len(kept)), -1, np.int64)
    result[table[first, level]] = table[first][:, kept]
    return result, kept


def train_at_each_level(
    probe: Callable[..., list[dict]],
    train_labels: np.ndarray,
    test_labels: np.ndarray,
    level_table: np.ndarray,
    level_names: Sequence[str],
) -> Iterator[dict]:
    """The records of a classifier trained at each level, coarse to fine, each with ``trained_level``, the name of the level.

    probe: called with train_labels and test_labels (int64, of the level), num_classes, level_table and level_names (of the level and
    the coarser ones, see `levels_above`) as keywords, e.g. `linear_probe` with the features and all else given. Its predictions are
    labels of the level, so keep them apart from fine ones. A level of one class is passed over: there is nothing to train.
    """
    for level, name in enumerate(level_names):
        coarse, classes = level_labels(train_labels, level_table, level)
        if classes < 2:
            continue
        table, kept = levels_above(level_table, level)
        truth, _ = level_labels(test_labels, level_table, level)
        records = probe(
            train_labels=coarse,
            test_labels=truth,
            num_classes=classes,
            level_table=table,
            level_names=[level_names[i] for i in kept],
        )
        for record in records:
            yield {"trained_level": name, **record}

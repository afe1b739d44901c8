"""Nested subsets of a dataset's training images.

Drawn uniformly (Cole et al. 2022, section 3, https://arxiv.org/abs/2105.05837: 500k contains 250k
contains 125k …), balanced (as many images of each class as there can be), or with a number of each
class (classes that have fewer give all they have).

An image's position in the order depends on the seed, the draw and its id, and but for uniform
subsets on its class: subsets of a draw are nested, and do not change when the rows of the manifest
are reordered.
"""

import numpy as np

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import mix, named_seed, string_ids
from fourlenses.data.manifest.manifest import Manifest, column, labels_of, rows_of
from fourlenses.study import ALL, Subset


def draw_subset(
    manifest: Manifest, undecodable: set[str], *, subset: str | int, seed: int, dataset: str
) -> np.ndarray:
    """Draw a subset of the training images that can be decoded.

    Args:
        manifest: Of the dataset.
        undecodable: Ids of the images that the beton lacks.
        subset: Its name, as of `Subset`.
        seed: Of the draw.
        dataset: Its name, for errors.

    Returns:
        Rows of the manifest, int64 ascending.

    Raises:
        UserError: There is no such name, or fewer images than asked for.
    """
    wanted = Subset.parse(str(subset))
    ids, rows = column(manifest, "id"), rows_of(manifest, "train")
    if undecodable:
        rows = rows[~ids.is_in(undecodable)[rows]]
    count = len(rows) if wanted.images == ALL or wanted.per_class else int(wanted.images)
    if count > len(rows):
        raise UserError(
            f"dataset '{dataset}' has {len(rows)} usable training images, but the config asks for "
            f"{count} (keys 'pretrain_images' and 'labelled_images' of the lenses); lower them, or "
            "use 'all'. The same command, run again, leaves this size out, as the number of images "
            "is known now"
        )
    # the first draw is also that of pretraining: a supervised run and a linear classifier see the
    # same labels
    numbers = named_seed(seed, "subset", wanted.draw) if wanted.draw else named_seed(seed, "subset")
    order = np.argsort(mix(numbers, string_ids(ids)[rows]), kind="stable")
    if wanted.labels_per_class is not None:
        ranks = _rank_in_class(labels_of(manifest)[rows[order]])
        return np.sort(rows[order[ranks < wanted.labels_per_class]]).astype(np.int64)
    if wanted.balanced:
        order = order[np.argsort(_rank_in_class(labels_of(manifest)[rows[order]]), kind="stable")]
    return np.sort(rows[order[:count]]).astype(np.int64)


def classes_with_fewer(manifest: Manifest, rows: np.ndarray, subset: str) -> int:
    """Return how many classes gave fewer images than were asked of each; 0 where none were.

    Args:
        manifest: Of the dataset.
        rows: Of `draw_subset`.
        subset: Its name.
    """
    asked = Subset.parse(subset).labels_per_class
    if asked is None:
        return 0
    labels = labels_of(manifest)
    of_class = np.bincount(labels[rows], minlength=labels.max() + 1)
    known = np.bincount(labels, minlength=labels.max() + 1) > 0
    return int((of_class[known] < asked).sum())


def _rank_in_class(labels: np.ndarray) -> np.ndarray:
    """Return int64 (n,): how many of the same class come before."""
    by_class = np.argsort(labels, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(labels[by_class])) + 1]
    first = np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    ranks = np.empty(len(labels), np.int64)
    ranks[by_class] = np.arange(len(labels)) - first
    return ranks
